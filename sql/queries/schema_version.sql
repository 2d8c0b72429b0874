-- The newest migration that was applied.
select coalesce(max(version), 0)::integer as version from perdure.migration

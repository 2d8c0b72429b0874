-- All schedules by name, or the one of a name ($1). Answers at least one row, with the time; without a name it stands for no schedule.
select (extract(epoch from now()) * 1000)::float8 as now, shown.*
from (values (true)) as one
left join perdure.schedule_row as shown on $1::text is null or shown.name = $1::text
order by shown.name

/**
 * `npm run schema:dump`: writes sql/schema.sql, what the migrations add up to, for people to read.
 *
 * Owns: the form of that file. Does not own: the schema (sql/migrations). A test compares the file with the migrations.
 *
 * Invariants
 * 1. The same schema gives the same text: names are qualified, the order is by kind and name, columns in their order.
 * 2. A kind of object that the dump cannot show fails it.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { loadMigrations } from '../src/persistence/queries.ts'
import { readCommandLine } from './command-line.ts'
import { discardPostgres, startPostgres } from './postgres.ts'

const header = '-- What sql/migrations add up to. Written by `npm run schema:dump`; do not edit.\n'

/** Migrates an empty database and returns the text of sql/schema.sql. */
export async function dumpSchema(url: string): Promise<string> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    for (const { script } of loadMigrations('perdure')) await client.query(script)
    // Names of tables are qualified in what the catalog says only where they are not on the path.
    await client.query("set search_path = ''")
    await refuseUnknownKinds(client)
    const parts = [
      ...(await describeTypes(client)),
      ...(await describeTables(client)),
      ...(await describeViews(client))
    ]
    return [header, ...parts].join('\n')
  } finally {
    await client.end()
  }
}

async function refuseUnknownKinds(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ what: string }>(`
    select format('relation %s of kind %s', relname, relkind) as what
    from pg_class where relnamespace = 'perdure'::regnamespace and relkind not in ('r', 'i', 'v')
    union all select format('function %s', proname) from pg_proc where pronamespace = 'perdure'::regnamespace
    union all select format('trigger %s', tgname) from pg_trigger t join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = 'perdure'::regnamespace and not tgisinternal
    union all select format('type %s', typname) from pg_type
      where typnamespace = 'perdure'::regnamespace and typtype not in ('c', 'd', 'e') and typcategory <> 'A'`)
  if (rows.length > 0)
    throw new Error(`scripts/dump-schema.ts must learn of: ${rows.map((row) => row.what).join(', ')}`)
}

async function describeTypes(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ definition: string }>(`
    select case typtype
      when 'e' then format('create type %s as enum (%s);', format_type(oid, null),
        (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = pg_type.oid))
      else concat_ws(' ', format('create domain %s as %s', format_type(oid, null), format_type(typbasetype, typtypmod)),
        (select string_agg(format('constraint %I %s', conname, pg_get_constraintdef(pg_constraint.oid, true)), ' ' order by conname)
          from pg_constraint where contypid = pg_type.oid and contype = 'c')) || ';'
    end || E'\n' as definition
    from pg_type
    where typnamespace = 'perdure'::regnamespace and typtype in ('d', 'e')
    order by typtype desc, typname`)
  return rows.map(({ definition }) => definition)
}

async function describeTables(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string; lines: string[]; options: string[]; indexes: string[] }>(`
    select
      c.oid::regclass::text as name,
      array(
        select concat_ws(' ', quote_ident(attname), format_type(atttypid, atttypmod),
          'default ' || pg_get_expr(adbin, adrelid), case when attnotnull then 'not null' end)
        from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = c.oid and attnum > 0 and not attisdropped
        order by attnum
      ) || array(
        select format('constraint %I %s', conname, pg_get_constraintdef(oid, true))
        from pg_constraint
        where conrelid = c.oid and contype <> 'n'
        order by array_position(array['p', 'u', 'f', 'c'], contype::text), conname
      ) as lines,
      array(select unnest(c.reloptions) union all select 'toast.' || unnest(t.reloptions)) as options,
      array(
        select pg_get_indexdef(indexrelid, 0, true)
        from pg_index
        where indrelid = c.oid and not exists (select from pg_constraint where conindid = indexrelid)
        order by 1
      ) as indexes
    from pg_class c left join pg_class t on t.oid = c.reltoastrelid
    where c.relnamespace = 'perdure'::regnamespace and c.relkind = 'r'
    order by c.relname`)
  return rows.map(({ name, lines, options, indexes }) => {
    const tail = options.length > 0 ? ` with (${options.join(', ')})` : ''
    const table = `create table ${name} (\n${lines.map((line) => `  ${line}`).join(',\n')}\n)${tail};\n`
    return [table, ...indexes.map((index) => `${index};\n`)].join('\n')
  })
}

async function describeViews(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string; definition: string }>(`
    select oid::regclass::text as name, pg_get_viewdef(oid, true) as definition
    from pg_class
    where relnamespace = 'perdure'::regnamespace and relkind = 'v'
    order by relname`)
  return rows.map(({ name, definition }) => `create view ${name} as\n${definition}\n`)
}

async function main(): Promise<void> {
  readCommandLine('Usage: npm run schema:dump', {})
  const dir = fileURLToPath(new URL(`../.perdure/schema-${process.pid}`, import.meta.url))
  const server = await startPostgres({ dir, settings: { fsync: 'off' } })
  try {
    await writeFile(new URL('../sql/schema.sql', import.meta.url), await dumpSchema(server.url))
  } finally {
    await discardPostgres(dir)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()

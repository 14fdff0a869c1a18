-- title: Who read the log
-- question: Who searched the log or took records away, when, and how much did they get?
-- serves: PCI DSS 10.2.1.3; ISO/IEC 27001 A.8.15
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

with reading as (
  select key, kind, text, ts, decode(leaf)::json as record, rows
  from read_parquet(getvariable('log') || '/**/*.parquet')
  where kind in ('query', 'export')
    and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
    and ts < coalesce(getvariable('before')::timestamp, 'infinity')
)
select
  key,
  kind,
  coalesce(text, record ->> '$.form') as what,
  count(*) as times,
  sum(coalesce(rows, (record ->> '$.end')::bigint - (record ->> '$.first')::bigint)) as records,
  min(ts) as first,
  max(ts) as last
from reading
group by all
order by records desc nulls last, key, kind, what;

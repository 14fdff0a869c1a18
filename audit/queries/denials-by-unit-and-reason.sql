-- title: Denials by unit and reason
-- question: Which units are stopped, and by what?
-- serves: PCI DSS 10.2.1.4; ISO/IEC 27001 A.8.15; NIS2 Art. 21(2)(b)
-- parameter after: none older than this time, such as 2026-03-01; by default the first record
-- parameter before: all older than this time; by default the last record

with denial as (
  select unit, subject, ts, unnest(reasons) as reason
  from read_parquet(getvariable('log') || '/**/*.parquet')
  where decision = 'deny'
    and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
    and ts < coalesce(getvariable('before')::timestamp, 'infinity')
)
select
  coalesce(unit, '(none)') as unit,
  reason,
  count(*) as denials,
  count(distinct subject) as callers,
  max(ts) as last
from denial
group by all
order by denials desc, unit, reason;

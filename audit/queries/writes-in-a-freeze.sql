-- title: Systems of record written to in a freeze
-- question: Who wrote while nothing was to change, and by which leave? Who tried?
-- serves: ISO/IEC 27001 A.8.32; PCI DSS 10.2.1.7
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

select
  ts,
  decision,
  subject,
  action,
  dataset,
  coalesce(
    exemptions[1],
    modes[1],
    case when would = 'deny' then 'roll-out' end,
    case when decision = 'allow' then '(none)' end
  ) as leave,
  rows,
  seq
from read_parquet(getvariable('log') || '/**/*.parquet')
where list_contains(reasons, 'change-freeze')
  and action in ('write', 'delete')
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
order by seq;

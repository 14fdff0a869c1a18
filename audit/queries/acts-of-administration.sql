-- title: Acts of administration
-- question: What was done to keys, policies, holds and the log itself, when, and with whose key?
-- serves: PCI DSS 10.2.1.2, 10.2.1.5, 10.2.1.6; ISO/IEC 27001 A.5.18
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

select
  ts,
  kind,
  act,
  coalesce(target, snapshot, decode(leaf)::json ->> '$.name', decode(leaf)::json ->> '$.origin')
    as target,
  holder as by_key,
  text as reason,
  seq
from read_parquet(getvariable('log') || '/**/*.parquet')
where kind in ('admin', 'epoch', 'hold', 'policy_change', 'retention')
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
order by seq;

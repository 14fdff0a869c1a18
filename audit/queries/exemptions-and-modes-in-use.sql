-- title: Exemptions, modes and roll-outs in use
-- question: What was let through that a rule would have stopped, and by whose leave?
-- serves: ISO/IEC 27001 A.5.36; PCI DSS 10.2.1.2
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

with softened as (
  select unnest(exemptions) as by_what, 'exemption' as how, subject, ts, rules
  from read_parquet(getvariable('log') || '/**/*.parquet')
  where decision = 'allow'
  union all
  select unnest(modes), 'mode', subject, ts, rules
  from read_parquet(getvariable('log') || '/**/*.parquet')
  where decision = 'allow'
  union all
  select unit, 'roll-out', subject, ts, rules
  from read_parquet(getvariable('log') || '/**/*.parquet')
  where decision = 'allow' and would = 'deny'
)
select
  how,
  by_what,
  list_sort(list_distinct(flatten(list(coalesce(rules, []))))) as rules,
  count(*) as calls,
  count(distinct subject) as callers,
  min(ts) as first,
  max(ts) as last
from softened
where ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
group by how, by_what
order by how, calls desc, by_what;

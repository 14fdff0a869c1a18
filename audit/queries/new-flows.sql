-- title: New flows
-- question: Which flows were allowed for the first time this week?
-- serves: GDPR Art. 30(1)(d); ISO/IEC 27001 A.5.14
-- parameter since: the time from which on a flow is new; by default seven days before the last record

with flow as (
  select subject, action, dataset, coalesce(destination, endpoint) as destination, level, ts, seq
  from read_parquet(getvariable('log') || '/**/*.parquet')
  where decision = 'allow'
),
last_of_all as (
  select max(ts) as ts from read_parquet(getvariable('log') || '/**/*.parquet')
)
select
  subject,
  action,
  dataset,
  destination,
  max(level) as level,
  min(ts) as first,
  min(seq) as first_record,
  count(*) as calls
from flow
group by subject, action, dataset, destination
having first >= coalesce(
  getvariable('since')::timestamp, (select ts from last_of_all) - interval 7 day
)
order by first, subject;

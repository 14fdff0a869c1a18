-- title: Decisions without outcome
-- question: Which integrations do not say what became of what they were allowed?
-- serves: PCI DSS 10.2.2; ISO/IEC 27001 A.8.15
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record
-- parameter hours: how old a decision must be, seen from the last record; by default 1

with record as (
  select kind, decision, decision_id, subject, obligations, ts, seq
  from read_parquet(getvariable('log') || '/**/*.parquet')
),
told as (select distinct decision_id from record where kind = 'outcome'),
allowed as (
  select record.*, told.decision_id is null as missing
  from record left join told on record.decision_id = told.decision_id
  where record.decision = 'allow'
    and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
    and ts < coalesce(getvariable('before')::timestamp, 'infinity')
    and ts <= (select max(ts) from record)
      - coalesce(getvariable('hours')::integer, 1) * interval 1 hour
)
select
  subject,
  count(*) as allowed,
  count(*) filter (missing) as without_outcome,
  count(*) filter (missing and list_contains(obligations, 'log-outcome')) as owed,
  min(seq) filter (missing) as first_missing,
  max(ts) filter (missing) as last
from allowed
group by subject
having without_outcome > 0
order by without_outcome desc, subject;

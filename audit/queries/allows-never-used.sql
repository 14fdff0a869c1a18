-- title: Allows that were never used
-- question: Which flows are allowed again and again, though no call of theirs ever succeeded?
-- serves: ISO/IEC 27001 A.5.18
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

with record as (
  select *
  from read_parquet(getvariable('log') || '/**/*.parquet')
),
told as (
  select decision_id, bool_or(status = 'ok') as done from record where kind = 'outcome' group by all
)
select
  subject,
  action,
  dataset,
  coalesce(destination, endpoint) as destination,
  count(*) as allowed,
  count(told.decision_id) as failed,
  max(ts) as last
from record left join told on record.decision_id = told.decision_id
where record.decision = 'allow'
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
group by subject, action, dataset, coalesce(destination, endpoint)
having not coalesce(bool_or(told.done), false)
order by allowed desc, subject, dataset;

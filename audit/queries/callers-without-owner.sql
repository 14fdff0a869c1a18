-- title: Callers whose owner is gone
-- question: For which integrations does nobody answer any more, and do they still move data?
-- serves: ISO/IEC 27001 A.5.9; NIS2 Art. 21(2)(i)
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

select
  subject,
  coalesce(owner, 'quarantined') as owner,
  count(*) filter (decision = 'allow') as allowed,
  count(*) filter (decision = 'deny') as denied,
  list_sort(list_distinct(list(dataset))) as datasets,
  max(ts) as last
from read_parquet(getvariable('log') || '/**/*.parquet')
where (owner is not null or list_contains(reasons, 'owner-inactive'))
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
group by all
order by allowed desc, subject;

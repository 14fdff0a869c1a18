-- title: Busiest integrations
-- question: Who asks most, and how often are they stopped?
-- serves: ISO/IEC 27001 A.8.16
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record
-- parameter most: how many are shown; by default 20

select
  subject,
  count(*) as calls,
  count(*) filter (decision = 'deny') as denied,
  count(distinct dataset) as datasets,
  count(distinct destination) as destinations,
  sum(rows) filter (decision = 'allow') as rows,
  max(ts) as last
from read_parquet(getvariable('log') || '/**/*.parquet')
where kind = 'decision'
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
group by subject
qualify row_number() over (order by calls desc, subject) <= coalesce(getvariable('most')::integer, 20)
order by calls desc, subject;

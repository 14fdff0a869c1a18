-- title: Flows of restricted and personal data that leave the core
-- question: Which sensitive data went out, whereto, how much of it, under which duties?
-- serves: GDPR Art. 30(1)(d); PCI DSS 10.2.1.1; ISO/IEC 27001 A.5.14
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record
-- parameter core: the zone that counts as inside; by default core
-- parameter level: the level that counts as sensitive; by default restricted
-- parameter category: the category that counts as sensitive; by default personal

select
  dataset,
  coalesce(destination, endpoint) as destination,
  zone,
  level,
  list_sort(list_distinct(flatten(list(coalesce(obligations, []))))) as duties,
  count(*) as calls,
  sum(rows) as rows,
  min(ts) as first,
  max(ts) as last
from read_parquet(getvariable('log') || '/**/*.parquet')
where decision = 'allow'
  and action <> 'delete'
  and zone is distinct from coalesce(getvariable('core'), 'core')
  and (
    level = coalesce(getvariable('level'), 'restricted')
    or list_contains(categories, coalesce(getvariable('category'), 'personal'))
  )
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
group by dataset, coalesce(destination, endpoint), zone, level
order by calls desc, dataset, destination;

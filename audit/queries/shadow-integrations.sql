-- title: Shadow integrations
-- question: Who asks without being registered, and which places are asked for that are on no list?
-- serves: ISO/IEC 27001 A.5.9; NIS2 Art. 21(2)(i)
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

select
  subject,
  list_contains(reasons, 'integration-unregistered') as unregistered,
  case
    when list_contains(reasons, 'destination-not-allowlisted') then coalesce(host, endpoint)
  end as unlisted_place,
  key,
  count(*) as calls,
  list_sort(list_distinct(list(dataset))) as datasets,
  min(ts) as first,
  max(ts) as last
from read_parquet(getvariable('log') || '/**/*.parquet')
where list_has_any(reasons, ['integration-unregistered', 'destination-not-allowlisted'])
  and ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ts < coalesce(getvariable('before')::timestamp, 'infinity')
group by all
order by calls desc, subject, unlisted_place;

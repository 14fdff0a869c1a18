-- title: Calls that ran despite a denial, or unasked
-- question: Who moved data although policyd said no, or without asking it?
-- serves: NIS2 Art. 21(2)(b); PCI DSS 10.2.1.4
-- parameter after: none older than this time; by default the first record
-- parameter before: all older than this time; by default the last record

with record as (
  select *
  from read_parquet(getvariable('log') || '/**/*.parquet')
)
select
  ran.ts,
  ran.status,
  coalesce(asked.subject, ran.subject) as subject,
  coalesce(asked.action, ran.action) as action,
  coalesce(asked.dataset, ran.dataset) as dataset,
  coalesce(asked.destination, asked.endpoint) as destination,
  asked.reasons,
  ran.rows,
  ran.seq
from record as ran
left join record as asked on asked.kind = 'decision' and asked.decision_id = ran.decision_id
where ran.kind = 'outcome'
  and ran.status in ('ran-despite-deny', 'ran-unasked')
  and ran.ts >= coalesce(getvariable('after')::timestamp, '-infinity')
  and ran.ts < coalesce(getvariable('before')::timestamp, 'infinity')
order by ran.seq;

# The company's rules. They and the catalogue are data, kept as objects, so that each is a look-up.
package bench

default allow := false

allow if {
	granted
	not forbidden
	may_flow
}

names := {input.resource.id, concat("/", [split(input.resource.id, "/")[0], "*"])}

granted if {
	some role in data.integrations[input.subject.id]
	some name in names
	data.allow[role][input.action.name][name]
}

forbidden if {
	some role in data.integrations[input.subject.id]
	some name in names
	data.forbid[role][input.action.name][name]
}

may_flow if input.action.name != "send"

may_flow if {
	host := split(input.context.endpoint, "/")[2]
	data.datasets[input.resource.id] <= data.clearance[data.hosts[host]]
}

// The layers in the order in which the bench adds them. Before the first there is what a relay of MCP cannot do without:
// TLS, routing, strict parsing, the upstream.
export const LAYERS = [
  { name: 'traffic', stages: ['address', 'rateByAddress', 'strictHead', 'origin', 'negotiate'] },
  { name: 'identity', stages: ['authenticate', 'standing', 'rateByPrincipal'] },
  { name: 'limits', stages: ['deadline', 'concurrency'] },
  { name: 'policy', stages: ['reveal', 'authorize'] },
  { name: 'arguments and results', stages: ['checkArguments', 'checkParamHeaders', 'checkResult'] },
  { name: 'audit', stages: ['trail', 'intent'] },
]

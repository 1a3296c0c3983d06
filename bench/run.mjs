// npm run bench: the first word selects a suite; without one it is that of the calls. The methods are in README.md.
const SUITES = {
  anomalies: './anomalies.mjs',
  audit: './audit.mjs',
  identity: './identity/run.mjs',
  sandbox: './sandbox/run.mjs',
  detection: './detection/run.mjs',
  limbo: './limbo/run.mjs',
  pkits: './pkits/run.mjs',
  'event-loop': './event-loop.mjs',
  masking: './masking.mjs',
  traffic: './traffic.mjs',
  signatures: './signatures.mjs',
  floods: './floods.mjs',
  handshakes: './handshakes.mjs',
}

await import(SUITES[process.argv[2]] ?? './calls.mjs')

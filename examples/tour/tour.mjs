/**
 * The tour: what a gateway does for you, seen from a client. It speaks to a running Portcullis with the official SDK over
 * TLS, makes one allowed, one denied, one badly argued, one sandbox-breaking and one rate-limited call, shows the audit
 * record of each, revokes its key, and verifies the chain.
 *
 * Environment: TOUR_URL (origin), TOUR_CONFIG (configuration file), TOUR_CLI (launcher of portcullis), and
 * NODE_EXTRA_CA_CERTS, because a client has to trust the local authority.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const { TOUR_URL, TOUR_CONFIG, TOUR_CLI } = process.env
const FOLDER = join(TOUR_CONFIG, '..', 'demo')
const BURST = 200

let surprises = 0
const key = portcullis('key', 'create', '--json', '--name', 'tour', '--role', 'user')
try {
  await tour()
} finally {
  portcullis('key', 'revoke', key.id, '--reason', 'end of the tour')
}
await step('7', 'Revoked: within a second the key opens nothing', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return refusalOf(401, () => ask(list()))
})
verify()
process.exit(surprises === 0 ? 0 : 1)

async function tour() {
  const client = new Client({ name: 'tour', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const requestInit = { headers: { Authorization: `Bearer ${key.key}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${TOUR_URL}/mcp/files`), { requestInit }))
  const call = (name, args) => client.callTool({ name, arguments: args })
  const text = (result) => result.content.map((block) => block.text).join(' ')

  await step(
    '1',
    'Allowed: a user reads a file of the demo',
    async () => {
      const result = await call('read_text_file', { path: join(FOLDER, 'welcome.txt') })
      return { seen: text(result).split('\n')[0], expected: text(result).startsWith('Welcome') }
    },
    { method: 'tools/call' },
  )

  await step(
    '2',
    'Denied: the tool that writes does not exist for a user',
    async () => {
      const { tools } = await client.listTools()
      const hidden = !tools.some((tool) => tool.name === 'write_file')
      const { seen } = await refusalOf(undefined, () => call('write_file', { path: join(FOLDER, 'x'), content: 'x' }))
      return {
        seen: `${seen} (of ${tools.length} tools shown, write_file is none)`,
        expected: hidden && seen.includes('Unknown'),
      }
    },
    { code: 'policy.unknown_target' },
  )

  await step(
    '3',
    'Badly argued: an argument that the tool does not have',
    async () => {
      const result = await call('read_text_file', { path: join(FOLDER, 'welcome.txt'), pth: '/etc/passwd' })
      return { seen: text(result), expected: result.isError === true && text(result).includes('pth') }
    },
    { code: 'arguments.invalid' },
  )

  await step(
    '4',
    'Inspected: nobody asks for /etc/shadow by accident',
    async () => {
      const result = await call('read_text_file', { path: '/etc/shadow' })
      return { seen: text(result), expected: result.isError === true && text(result).includes('was refused') }
    },
    { code: 'inspection.refused' },
  )

  await step(
    '5',
    'Sandbox: the server was told it may serve "/", and asks for /etc/fstab',
    async () => {
      const result = await call('read_text_file', { path: '/etc/fstab' })
      return { seen: text(result), expected: result.isError === true && text(result).includes('ENOENT') }
    },
    { method: 'tools/call' },
  )

  await step(
    '6',
    `Rate limit: ${BURST} requests at once`,
    async () => {
      const answers = await Promise.all(Array.from({ length: BURST }, () => ask(list())))
      const refused = answers.filter((answer) => answer.status === 429)
      const wait = refused[0]?.headers.get('retry-after')
      return {
        seen: `${BURST - refused.length} answered, ${refused.length} refused, Retry-After: ${wait} s`,
        expected: refused.length > 0 && wait > 0,
      }
    },
    { code: 'traffic.rate_limited' },
  )
  await client.close()
}

async function step(number, title, act, filter) {
  console.log(`\n${styleText('bold', `${number}  ${title}`)}`)
  const { seen, expected } = await act()
  if (!expected) surprises++
  console.log(`   ${styleText(expected ? 'green' : 'red', expected ? '✓' : '✗ unexpected:')} ${seen}`)
  if (filter !== undefined) for (const record of recordsOf(filter)) console.log(styleText('dim', `   ${record}`))
}

/** What a step has left in the chain: of a call both records, of a refusal its one. */
function recordsOf({ method, code }) {
  const records = portcullis('audit', 'tail', '--json', '--lines', String(2 * BURST), '--principal', `key:${key.id}`)
  const last = records.findLast((record) => (code === undefined ? record.method === method : record.code === code))
  return records.filter(({ incident }) => incident === last?.incident).map(lineOf)
}

function lineOf({ seq, kind, code, outcome, status, durationMs, method, target, decision }) {
  const what = [method, target?.name].filter(Boolean).join(' ')
  const why = decision && `${decision.effect} by ${decision.policies.join(', ') || 'no rule'}`
  const end = durationMs === undefined ? undefined : `${status} after ${durationMs} ms`
  return [`#${seq}`, kind, what, why, code, outcome, end].filter(Boolean).join('  ')
}

function verify() {
  console.log(`\n${styleText('bold', '8  The chain of all records')}`)
  for (const verdict of portcullis('audit', 'verify', '--json')) {
    if (!verdict.sound) surprises++
    const told = verdict.sound
      ? `sound: ${verdict.records} records, ${verdict.checkpoints} signed checkpoints`
      : `BROKEN: ${verdict.problem}`
    console.log(`   ${styleText(verdict.sound ? 'green' : 'red', verdict.sound ? '✓' : '✗')} ${verdict.chain} ${told}`)
  }
}

function list() {
  return { jsonrpc: '2.0', id: 1, method: 'tools/list' }
}

function ask(message) {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  return fetch(`${TOUR_URL}/mcp/files`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key.key}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': message.method,
    },
    body: JSON.stringify({ ...message, params: { _meta: meta } }),
  })
}

async function refusalOf(status, act) {
  try {
    const answer = await act()
    return {
      seen: `HTTP ${answer.status}: ${(await answer.json()).error?.message}`,
      expected: answer.status === status,
    }
  } catch (thrown) {
    return { seen: thrown.message, expected: status === undefined }
  }
}

/** Runs a command. With `--json`, `audit` prints one object a line, the others one in all. */
function portcullis(...args) {
  const out = execFileSync(process.execPath, [TOUR_CLI, ...args, '--config', TOUR_CONFIG], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  if (!args.includes('--json')) return out
  const lines = out.split('\n').filter((line) => line !== '')
  return args[0] === 'audit' ? lines.map((line) => JSON.parse(line)) : JSON.parse(lines.join('\n'))
}

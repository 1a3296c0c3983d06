/**
 * npm run bench -- handshakes [--seconds 5] [--rounds 5]: full and resumed TLS 1.3 handshakes, and what each costs the server, of
 * Portcullis beside bare Node and nginx with the same certificate. Writes HANDSHAKES.md.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { stringify } from 'yaml'
import { createTestIdentity } from '../packages/portcullis/test/fixtures/certificate.ts'
import { ensureBuilt } from '../scripts/build.mjs'
import { ensureProgram } from './lib/install.mjs'
import { BENCH, WORKSPACE } from './lib/places.mjs'
import { cpuMicroseconds } from './lib/process-tree.mjs'
import { end, freePort, listens, start } from './lib/programs.mjs'
import { median, shuffled } from './lib/statistics.mjs'

const { values: options } = parseArgs({
  args: process.argv.slice(3),
  options: { seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '5' } },
})
const [seconds, rounds] = [Number(options.seconds), Number(options.rounds)]
const AT_ONCE = 8
const KINDS = ['full', 'resumed']
const GROUPS = ['X25519', 'X25519MLKEM768']

ensureBuilt()
const hasNginx = ensureProgram('nginx', 'nginx-light')
if (!hasNginx) console.log('nginx is missing and could not be installed: it is left out')
const scratch = mkdtempSync(join(tmpdir(), 'portcullis-handshakes-'))
const identity = await createTestIdentity()
const [keyFile, certFile] = ['key.pem', 'cert.pem'].map((name) => join(scratch, name))
writeFileSync(keyFile, identity.key, { mode: 0o600 })
writeFileSync(certFile, identity.cert)

/** Every target serves the same certificate and TLS 1.3 alone, with whatever else it has by default. */
const TARGETS = { Portcullis: portcullis, 'bare Node': bareNode, ...(hasNginx && { nginx }) }

async function portcullis(port) {
  const folder = join(scratch, 'portcullis')
  mkdirSync(join(folder, 'state'), { recursive: true, mode: 0o700 })
  const tls = { certificate: { file: certFile }, key: { file: keyFile } }
  const config = { version: 1, state: 'state', listen: { port, tls }, policy: { files: [] }, upstreams: {} }
  writeFileSync(join(folder, 'portcullis.yaml'), stringify(config))
  const program = join(WORKSPACE, 'packages', 'portcullis', 'bin', 'portcullis.cjs')
  return { command: [process.execPath, program, 'serve', '--config', join(folder, 'portcullis.yaml')] }
}

async function bareNode(port) {
  const env = { PORT: String(port), UPSTREAM: 'http://127.0.0.1:9', KEY_FILE: keyFile, CERT_FILE: certFile }
  return { command: [process.execPath, join(BENCH, 'proxies', 'node-tls.mjs')], env }
}

async function nginx(port) {
  const file = join(scratch, 'nginx.conf')
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${scratch}/${one};`)
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${scratch}/nginx.pid; error_log stderr; events {}
http { access_log off; ${paths.join(' ')} server { listen 127.0.0.1:${port} ssl; ssl_certificate ${certFile};
ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.3; return 204; } }\n`,
  )
  return { command: ['nginx', '-e', 'stderr', '-p', scratch, '-c', file] }
}

async function begin(name) {
  const port = await freePort()
  const child = start({ name, ...(await TARGETS[name](port)) }, { cpu: 0, scratch })
  if (!(await listens(child, port))) throw new Error(`${name} did not start; its log is in ${scratch}`)
  return { name, port, child }
}

/** Server microseconds of one handshake, and how many there were in a second; nothing where the target has no such group. */
async function measure({ port, child }, group, kind, forSeconds = seconds) {
  const load = join(BENCH, 'lib', 'handshake-load.mjs')
  const args = [
    '-c',
    '1',
    process.execPath,
    load,
    String(port),
    identity.caFile,
    group,
    kind,
    String(forSeconds),
    String(AT_ONCE),
  ]
  const before = cpuMicroseconds(child.pid)
  const told = await promisify(execFile)('taskset', args).catch(() => undefined)
  if (told === undefined) return undefined
  const { done, resumed, seconds: took } = JSON.parse(told.stdout)
  if (resumed !== (kind === 'resumed' ? done : 0)) return undefined
  return { microseconds: (cpuMicroseconds(child.pid) - before) / done, perSecond: done / took }
}

const running = []
const found = new Map()
try {
  for (const name of Object.keys(TARGETS)) running.push(await begin(name))
  await sleep(1_000)
  const cells = running.flatMap((target) => GROUPS.flatMap((group) => KINDS.map((kind) => ({ target, group, kind }))))
  for (const { target, group, kind } of cells) await measure(target, group, kind, 1)
  for (let round = 0; round < rounds; round++) {
    for (const { target, group, kind } of shuffled(cells)) {
      const sample = await measure(target, group, kind)
      const key = `${group}|${kind}|${target.name}`
      if (sample !== undefined) found.set(key, [...(found.get(key) ?? []), sample])
    }
    console.log(`  round ${round + 1} of ${rounds}`)
  }
} finally {
  for (const { child } of running) await end(child)
  identity.remove()
}

function row(group, kind, { name }) {
  const samples = found.get(`${group}|${kind}|${name}`)
  if (samples === undefined) return `| ${group} | ${kind} | ${name} | not spoken | | | |`
  const of = (member) => median(samples.map((sample) => sample[member]))
  const node = found.get(`${group}|${kind}|bare Node`)
  const against = node && of('microseconds') / median(node.map(({ microseconds }) => microseconds))
  const cells = [Math.round(of('perSecond')), Math.round(of('microseconds')), Math.round(1e6 / of('microseconds'))]
  return `| ${group} | ${kind} | ${name} | ${cells.join(' | ')} | ${against?.toFixed(2) ?? ''} |`
}

const nginxVersion = hasNginx
  ? `, ${spawnSync('nginx', ['-V'])
      .stderr.toString()
      .split('\n')
      .slice(0, 3)
      .filter((one) => /nginx version|OpenSSL/.test(one))
      .join(', ')}`
  : ''
const text = `# TLS handshakes

Written by \`npm run bench -- handshakes\`; the method is in [README.md](README.md#handshakes). Compare rows of one run only.

${new Date().toISOString()}; Node ${process.version} with OpenSSL ${process.versions.openssl}${nginxVersion}, Linux ${release()}; ${cpus().length} × ${cpus()[0]?.model}.
Median of ${rounds} rounds of ${seconds} s; ECDSA P-256; ${AT_ONCE} at once.

| group | handshake | server | each second, measured | CPU µs each | each second of one processor | × bare Node |
| --- | --- | --- | --- | --- | --- | --- |
${GROUPS.flatMap((group) => KINDS.flatMap((kind) => running.map((target) => row(group, kind, target)))).join('\n')}

The client is a Node process on the other processor and often the slower one: what is measured each second is what both did together.
`
writeFileSync(join(BENCH, 'HANDSHAKES.md'), text)
console.log(text)
rmSync(scratch, { recursive: true, force: true })
process.exit()

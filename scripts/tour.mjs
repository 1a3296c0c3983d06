/**
 * npm run tour: shows on the demonstration what Portcullis allows, denies and blocks, with the audit record of each.
 * It uses the gateway that `npm start` runs, or starts one of its own for as long as the tour takes.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { CLI, prepareDemo } from './demo.mjs'
import { ROOT, stop } from './workspace.mjs'

const { node, folder, configFile, port: asked } = prepareDemo('tour')
const port = asked ?? /^\s*port:\s*(\d+)/m.exec(readFileSync(configFile, 'utf8'))?.[1] ?? '8443'
const own = (await answers(Number(port))) ? undefined : await startGateway()
const status = await tour(own?.url ?? `https://localhost:${port}`)
await own?.end()
process.exit(status)

function tour(url) {
  const environment = {
    ...process.env,
    NODE_EXTRA_CA_CERTS: join(folder, 'state', 'authority', 'ca.crt'),
    TOUR_URL: url,
    TOUR_CONFIG: configFile,
    TOUR_CLI: CLI,
  }
  const child = spawn(node, [join(ROOT, 'examples', 'tour', 'tour.mjs')], {
    cwd: ROOT,
    stdio: 'inherit',
    env: environment,
  })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

async function startGateway() {
  const gateway = spawn(node, [CLI, 'serve', '--config', configFile, '--port', port], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let told = ''
  gateway.stderr.on('data', (chunk) => (told += chunk))
  gateway.once('exit', (code) => {
    if (code !== 0) stop(`${told}The gateway for the tour did not start.`, code ?? 70)
  })
  // Its own word, not the open port: it is whole only then.
  const line = await new Promise((resolve) => gateway.stdout.once('data', (chunk) => resolve(String(chunk))))
  const end = () => {
    gateway.kill('SIGTERM')
    return new Promise((resolve) => gateway.once('exit', resolve))
  }
  return { url: /https:\S+/.exec(line)[0], end }
}

function answers(at) {
  if (at === 0) return false
  return new Promise((resolve) => {
    const socket = connect(at, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

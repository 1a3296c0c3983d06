// What the bench needs beside the workspace, installed when missing, and said: wrk, two C programs, two npm bridges.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH } from './places.mjs'

/** The bridges without any security that we compare with, pinned. */
export const PEERS = { supergateway: '4.0.0', 'mcp-proxy': '6.7.19' }

/** Makes everything ready; ends the process with one sentence if that is not possible. */
export function installAll({ withPeers }) {
  ensureProgram('wrk', 'wrk')
  ensureProgram('gcc', 'gcc')
  ensureProgram('taskset', 'util-linux')
  for (const name of ['zero-http', 'zero-stdio']) compile(name)
  if (withPeers) for (const [name, version] of Object.entries(PEERS)) ensurePeer(name, version)
}

function ensureProgram(program, aptPackage) {
  if (succeeds('sh', ['-c', `command -v ${program}`])) return
  console.log(`Installing ${aptPackage} with apt (${program} is missing)`)
  const isRoot = process.getuid() === 0
  const apt = (...args) => succeeds(isRoot ? 'apt-get' : 'sudo', isRoot ? args : ['-n', 'apt-get', ...args])
  const install = () => apt('install', '-y', '--no-install-recommends', aptPackage)
  if (!install() && !(apt('update') && install())) stop(`${program} is missing: apt-get install ${aptPackage}`)
}

function compile(name) {
  const source = join(BENCH, 'upstreams', `${name}.c`)
  const program = join(BENCH, 'bin', name)
  const newest = Math.max(...[source, join(BENCH, 'upstreams', 'answers.h')].map((file) => statSync(file).mtimeMs))
  if (existsSync(program) && statSync(program).mtimeMs > newest) return
  console.log(`Compiling bench/bin/${name}`)
  mkdirSync(join(BENCH, 'bin'), { recursive: true })
  if (!succeeds('gcc', ['-O2', '-Wall', '-Wextra', '-o', program, source])) stop(`gcc could not compile ${source}`)
}

function ensurePeer(name, version) {
  const folder = join(BENCH, 'peers', name)
  if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return
  console.log(`Installing ${name}@${version} with npm into bench/peers (to compare with)`)
  mkdirSync(folder, { recursive: true })
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  if (!succeeds('npm', [...args, `${name}@${version}`])) stop(`npm could not install ${name}@${version}`)
}

function succeeds(command, args) {
  const { status, stderr } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  if (status !== 0 && command !== 'sh') console.error(String(stderr ?? '').slice(-2_000))
  return status === 0
}

function stop(sentence) {
  console.error(sentence)
  process.exit(1)
}

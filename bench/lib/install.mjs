// What the bench needs beside the workspace, installed when missing, and said: wrk, two C programs, two npm bridges.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { BENCH } from './places.mjs'

/** The bridges without any security that we compare with, pinned. */
export const PEERS = { supergateway: '4.0.0', 'mcp-proxy': '6.7.19' }

/** Makes everything ready; ends the process with one sentence if that is not possible. */
export function installAll({ withPeers }) {
  for (const [program, aptPackage] of Object.entries({ wrk: 'wrk', gcc: 'gcc', taskset: 'util-linux' }))
    if (!ensureProgram(program, aptPackage)) stop(`${program} is missing: apt-get install ${aptPackage}`)
  for (const name of ['zero-http', 'zero-stdio']) compile(name)
  if (!withPeers) return
  for (const [name, version] of Object.entries(PEERS))
    if (!ensurePeer(name, version)) stop(`npm could not install ${name}@${version}`)
}

/** Installs a program of Debian that is missing; false when that is not possible. */
export function ensureProgram(program, aptPackage) {
  if (succeeds('sh', ['-c', `command -v ${program}`])) return true
  console.log(`Installing ${aptPackage} with apt (${program} is missing)`)
  const isRoot = process.getuid() === 0
  const apt = (...args) => succeeds(isRoot ? 'apt-get' : 'sudo', isRoot ? args : ['-n', 'apt-get', ...args])
  const install = () => apt('install', '-y', '--no-install-recommends', aptPackage)
  return install() || (apt('update') && install())
}

/** Compiles upstreams/<name>.c to bin/<program> when it is older; ends the process if it cannot. */
export function compile(name, program = name, flags = []) {
  const source = join(BENCH, 'upstreams', `${name}.c`)
  const target = join(BENCH, 'bin', program)
  const newest = Math.max(...[source, join(BENCH, 'upstreams', 'answers.h')].map((file) => statSync(file).mtimeMs))
  if (existsSync(target) && statSync(target).mtimeMs > newest) return
  console.log(`Compiling bench/bin/${program}`)
  mkdirSync(join(BENCH, 'bin'), { recursive: true })
  const options = ['-O2', '-Wall', '-Wextra', ...flags]
  if (!succeeds('gcc', [...options, '-o', target, source])) stop(`gcc could not compile ${source}`)
}

/** The folder of a package from npm, installed into peers/ when missing; undefined when that is not possible. */
export function ensurePeer(name, version) {
  const folder = join(BENCH, 'peers', name)
  const installed = join(folder, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return installed
  console.log(`Installing ${name}@${version} with npm into bench/peers (to compare with)`)
  mkdirSync(folder, { recursive: true })
  const args = ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  return succeeds('npm', [...args, `${name}@${version}`]) ? installed : undefined
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

/** Installs what is missing, and says what and why before it does. Does nothing, quickly, when nothing is missing. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ROOT, run, stop } from './workspace.mjs'

const LOCK = join(ROOT, 'package-lock.json')
const INSTALLED = join(ROOT, 'node_modules', '.package-lock.json')
const STAMP = join(ROOT, 'node_modules', '.portcullis-installed')

/** The npm packages of the lock file. */
export function ensurePackages() {
  if (!existsSync(INSTALLED)) return install('the npm packages of package-lock.json are not installed')
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === lockDigest()) return undefined
  if (statSync(INSTALLED).mtimeMs >= statSync(LOCK).mtimeMs) return undefined
  return install('package-lock.json is newer than the installed npm packages')
}

/** What the sandbox of the MCP servers behind the gateway is made of: a program, and the package that it comes from. */
const SANDBOX = [
  ['bwrap', 'bubblewrap', 'it confines the MCP servers behind the gateway'],
  ['ip', 'iproute2', 'it gives a confined server the network that its rules allow'],
  ['mkfs.ext4', 'e2fsprogs', 'it makes the volumes of confined servers'],
]

export function ensureSandbox() {
  const missing = SANDBOX.filter(([program]) => !onPath(program))
  if (missing.length > 0) ensureDebian(missing)
}

/** The engine behind which the container driver is tested. Only root can give its containers what the tests look at. */
export function ensurePodman() {
  if (process.platform !== 'linux' || process.getuid() !== 0) return
  const why = 'the container driver is tested on it'
  const missing = ['podman', 'runc', 'catatonit'].filter((name) => !onPath(name)).map((name) => [name, name, why])
  if (missing.length > 0) ensureDebian(missing)
}

/** The browser in which people sign in: pages are looked at by one, not by us. */
export function ensureChromium() {
  if (onPath('chromium')) return
  ensureDebian([['chromium', 'chromium', 'the sign-in pages are walked through in it']])
}

/** The server in which several gateways count their limits together. The package may start one of its own; tests use none that they did not start. */
export function ensureRedis() {
  if (onPath('redis-server')) return
  ensureDebian([['redis-server', 'redis-server', 'limits that gateways share are tested in it']])
}

/** The store that several gateways share. The package may start one of its own; tests use none that they did not start. */
export function ensurePostgres() {
  if (postgresFolders().length > 0 || onPath('initdb')) return
  ensureDebian([['psql', 'postgresql', 'the store that gateways share is tested in it']])
}

/** Debian keeps the servers of each version off the search path. */
function postgresFolders() {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root) : []
  return versions.filter((version) => existsSync(join(root, version, 'bin', 'initdb')))
}

/** The language of the independent verifier in `examples/audit-verifier`, and the authority and the repository that are witnesses in tests. */
export function ensureWitnesses() {
  const needed = [
    ['python3', 'python3', 'the independent verifier of audit chains is written in it'],
    ['openssl', 'openssl', 'it is the time stamping authority of the tests'],
    ['git', 'git', 'a repository is a witness of audit chains'],
  ].filter(([program]) => !onPath(program))
  if (needed.length > 0) ensureDebian(needed)
}

/** Installs Debian packages, given as `[program, package, why]`. Stops with the command to type when it cannot. */
export function ensureDebian(missing) {
  const why = missing.map(([program, , reason]) => `${program} is missing: ${reason}`).join('; ')
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing.map(([, name]) => name)]
  if (process.platform !== 'linux')
    stop(`${why}, and that exists on Linux only. Use a Linux machine, virtual machine or container.`)
  if (!onPath('apt-get')) stop(`${why}. Install it with the package manager of this system, then run this again.`)
  const prefix = process.getuid() === 0 ? [] : sudo()
  if (prefix === undefined) stop(`${why}. Run: sudo ${command.join(' ')}`)
  console.log(`Installing ${missing.map(([, name]) => name).join(', ')} with apt (${why}).`)
  const apt = (...words) => {
    const [program, ...args] = [...prefix, ...words]
    return run(program, args, { quiet: true, environment: { DEBIAN_FRONTEND: 'noninteractive' } })
  }
  let result = apt(...command)
  if (!result.ok) {
    apt('apt-get', 'update')
    result = apt(...command)
  }
  if (!result.ok || missing.some(([program]) => !onPath(program)))
    stop(`${result.output}\nThe packages could not be installed. Run: sudo ${command.join(' ')}`)
}

function install(why) {
  console.log(`Installing npm packages (${why}). This takes about half a minute.`)
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error']
  let result = run('npm', ['ci', ...quietly], { quiet: true })
  // Versions and digests still come from the lock file, which stays as it is.
  if (lacksPlatforms(result)) result = run('npm', ['install', '--no-save', ...quietly], { quiet: true })
  if (!result.ok) stop(`${result.output}\nThe npm packages could not be installed.`)
  writeFileSync(STAMP, lockDigest())
  return undefined
}

/**
 * A registry that does not hold the builds for other platforms makes a lock file without them, which `npm ci` refuses.
 * They are told without a version; whatever else is missing or differs has one, and remains an error.
 */
function lacksPlatforms({ ok, output }) {
  if (ok || !output.includes('EUSAGE')) return false
  const complaints = output.match(/(?:Missing|Invalid): .*/g) ?? []
  return complaints.length > 0 && complaints.every((line) => /^Missing: [^ ]+@ from lock file$/.test(line.trim()))
}

function lockDigest() {
  return createHash('sha256').update(readFileSync(LOCK)).digest('hex')
}

function onPath(program) {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/bin',
    '/bin',
    '/usr/local/bin',
    '/usr/sbin',
    '/sbin',
  ]
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)))
}

/** Without a terminal nobody could type a password. */
function sudo() {
  if (!onPath('sudo')) return undefined
  if (process.stdin.isTTY) return ['sudo']
  return run('sudo', ['-n', 'true'], { quiet: true }).ok ? ['sudo', '-n'] : undefined
}

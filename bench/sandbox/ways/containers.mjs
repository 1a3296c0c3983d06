// The server alone in an image: podman with runc, and runc by itself.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureProgram } from '../../lib/install.mjs'
import { startLines } from '../line-child.mjs'

const IMAGE = 'localhost/portcullis-bench-tiny:1'
const INSIDE = '/tiny-stdio'
let count = 0

export async function load(server) {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-containers-'))
  const root = join(folder, 'rootfs')
  mkdirSync(root)
  copyFileSync(server.program, join(root, INSIDE))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  return [podman(folder, root), { ...runc(folder), close: remove }]
}

function podman(folder, root) {
  const way = { name: 'podman with runc', roles: ['peer'] }
  try {
    need('podman', 'podman')
    need('runc', 'runc')
    const archive = join(folder, 'root.tar')
    execFileSync('tar', ['-C', root, '-cf', archive, '.'])
    run('podman', ['import', '--quiet', archive, IMAGE])
  } catch (problem) {
    return { ...way, failed: problem.message }
  }
  const options = ['--rm', '--interactive', '--pull=never', '--runtime=runc', '--network=none', '--read-only']
  options.push('--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024') // the defaults are more than some hosts may give
  return {
    ...way,
    async open(args) {
      const mark = nextName()
      return startLines(['podman', 'run', ...options, `--name=${mark}`, IMAGE, INSIDE, ...args], {
        env: process.env,
        mark,
      })
    },
    close: () => run('podman', ['rmi', '--force', IMAGE]),
  }
}

/** Each container has a bundle of its own; writing it is a part of the start, a fraction of a millisecond. */
function runc(folder) {
  const way = { name: 'runc alone', roles: ['peer'] }
  try {
    need('runc', 'runc')
    run('runc', ['spec', '--bundle', folder])
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))
    const open = async (args) => {
      const mark = nextName()
      const bundle = join(folder, mark)
      mkdirSync(bundle)
      const confined = { ...config.process, terminal: false, args: [INSIDE, ...args] }
      const spec = { ...config, process: confined, root: { path: join(folder, 'rootfs'), readonly: true } }
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec))
      return startLines(['runc', 'run', '--bundle', bundle, mark], { env: process.env, mark })
    }
    return { ...way, open }
  } catch (problem) {
    return { ...way, failed: problem.message }
  }
}

const nextName = () => `portcullis-bench-${process.pid}-${++count}`

function need(program, aptPackage) {
  if (!ensureProgram(program, aptPackage)) throw new Error(`${program} is missing, and apt could not install it`)
}

function run(program, args) {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (problem) {
    throw new Error(String(problem.stderr ?? problem.message).trim(), { cause: problem })
  }
}

/** A small image for the tests, made of programs of this host: nothing is fetched. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What the attacks call, and what a shell line of the tests needs. */
const PROGRAMS = [
  ...[
    'sh',
    'awk',
    'cat',
    'chgrp',
    'chmod',
    'chown',
    'cp',
    'cut',
    'dd',
    'df',
    'dirname',
    'env',
    'false',
    'find',
    'getent',
  ],
  ...['getfacl', 'grep', 'gzip', 'head', 'id', 'ln', 'ls', 'mkdir', 'mknod', 'mount', 'perl', 'readlink', 'rm', 'sed'],
  ...['setfacl', 'sleep', 'sort', 'stat', 'su', 'tail', 'tar', 'touch', 'tr', 'true', 'truncate', 'uname', 'wc'],
]
const LOCALE = '/usr/lib/locale/C.utf8'

export interface TestImage {
  /** `name@sha256:…`. */
  readonly name: string
  remove(): void
}

const podman = (...args: readonly string[]) => execFileSync('/usr/bin/podman', [...args], { encoding: 'utf8' }).trim()

/** Imports the image. Node is not in it, but its libraries are: tests mount it. */
export function buildImage(tag: string): TestImage {
  const root = mkdtempSync(join(tmpdir(), 'portcullis-image-'))
  try {
    const programs = PROGRAMS.map((name) => `/usr/bin/${name}`).filter((path) => existsSync(path))
    const libraries = librariesOf([...programs, process.execPath])
    for (const path of [...programs, ...libraries, ...perlModules(), LOCALE]) add(root, path)
    symlinkSync('usr/bin', join(root, 'bin'))
    mkdirSync(join(root, 'etc'), { recursive: true })
    writeFileSync(join(root, 'etc', 'resolv.conf'), '# There is no network here.\n')
    const archive = join(root, 'root.tar')
    execFileSync('/usr/bin/tar', ['-C', root, '--exclude=root.tar', '-cf', archive, '.'])
    const reference = `localhost/portcullis-test-${tag}`
    podman('import', '--quiet', archive, `${reference}:1`)
    const digest = podman('image', 'inspect', '--format', '{{.Digest}}', `${reference}:1`)
    return { name: `${reference}@${digest}`, remove: () => podman('rmi', '--force', `${reference}:1`) }
  } finally {
    rmSync(root, { recursive: true })
  }
}

function add(root: string, path: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true })
  cpSync(realpathSync(path), join(root, path), { recursive: true })
}

/** The loader is among them, at its absolute path. */
function librariesOf(programs: readonly string[]): readonly string[] {
  const found = programs.flatMap((program) =>
    [...execFileSync('/usr/bin/ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
      (match) => match[1],
    ),
  )
  return [...new Set(found)].filter((path) => path !== undefined)
}

function perlModules(): readonly string[] {
  const directories = execFileSync('/usr/bin/perl', ['-e', 'print join "\\n", @INC'], { encoding: 'utf8' }).split('\n')
  return directories.filter((path) => path.startsWith('/usr/') && existsSync(path) && !path.includes('/local/'))
}

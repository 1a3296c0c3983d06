/** In which package of which distribution a missing tool is. */
import type { HostFacts } from './host-facts.ts'

/** How each family of distributions installs; the first whose name is among the host's own decides. */
const INSTALLERS: ReadonlyArray<readonly [family: Family, names: readonly string[], command: string]> = [
  ['debian', ['debian', 'ubuntu'], 'apt-get install'],
  ['fedora', ['fedora', 'rhel', 'centos'], 'dnf install'],
  ['alpine', ['alpine'], 'apk add'],
  ['arch', ['arch'], 'pacman -S'],
  ['suse', ['suse', 'opensuse'], 'zypper install'],
]

type Family = 'debian' | 'fedora' | 'alpine' | 'arch' | 'suse'

interface Package {
  readonly name: string
  /** Where a family calls it otherwise. */
  readonly unlike?: Partial<Record<Family, string>>
}

const UTIL_LINUX: Package = { name: 'util-linux' }

const PACKAGES: Readonly<Record<string, Package>> = {
  bwrap: { name: 'bubblewrap' },
  prlimit: UTIL_LINUX,
  setpriv: UTIL_LINUX,
  unshare: UTIL_LINUX,
  nsenter: UTIL_LINUX,
  mount: { name: 'util-linux', unlike: { debian: 'mount' } },
  'mkfs.ext4': { name: 'e2fsprogs' },
  ip: { name: 'iproute2', unlike: { fedora: 'iproute' } },
  podman: { name: 'podman' },
  catatonit: { name: 'catatonit' },
  conmon: { name: 'conmon' },
  runc: { name: 'runc' },
  crun: { name: 'crun' },
  newuidmap: {
    name: 'shadow-utils',
    unlike: { debian: 'uidmap', alpine: 'shadow-subids', arch: 'shadow', suse: 'shadow' },
  },
  docker: { name: 'docker', unlike: { debian: 'docker.io', fedora: 'moby-engine' } },
}

/** The command that installs the tool, or a sentence where the host is not known. Undefined for a tool of no package. */
export function installing(tool: string, { distribution }: Pick<HostFacts, 'distribution'>): string | undefined {
  const found = Object.hasOwn(PACKAGES, tool) ? PACKAGES[tool] : undefined
  if (found === undefined) return undefined
  const installer = INSTALLERS.find(([, names]) => names.some((name) => distribution.includes(name)))
  if (installer === undefined) return `install ${found.name} with the package manager of this system`
  const [family, , command] = installer
  return `run: ${command} ${found.unlike?.[family] ?? found.name}`
}

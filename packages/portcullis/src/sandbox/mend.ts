/** What an operator can do about a host that cannot hold a sandbox: from the error to the command or the setting. */
import { existsSync, readFileSync } from 'node:fs'

export interface HostFacts {
  readonly platform: NodeJS.Platform
  /** The `ID` and `ID_LIKE` words of /etc/os-release. */
  readonly distribution: readonly string[]
  readonly container: boolean
  /** Contents of the settings that forbid user namespaces; undefined where the kernel has no such setting. */
  readonly apparmorRestricts: string | undefined
  readonly unprivilegedClone: string | undefined
  readonly maxUserNamespaces: string | undefined
}

const APPARMOR_MEND =
  'this system lets only programs with an AppArmor profile make user namespaces: write /etc/apparmor.d/bwrap with ' +
  '"abi <abi/4.0>, include <tunables/global> profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }" ' +
  'and run: apparmor_parser -r /etc/apparmor.d/bwrap'

const CONTAINER_MEND =
  'the container forbids it: Docker and Podman: --security-opt systempaths=unconfined --security-opt seccomp=unconfined ' +
  '(Podman: --security-opt unmask=ALL); Kubernetes: hostUsers: false and procMount: Unmasked; or one container per upstream'

export function readHostFacts(): HostFacts {
  return {
    platform: process.platform,
    distribution: readDistribution(),
    container: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    apparmorRestricts: readSetting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    unprivilegedClone: readSetting('/proc/sys/kernel/unprivileged_userns_clone'),
    maxUserNamespaces: readSetting('/proc/sys/user/max_user_namespaces'),
  }
}

/** One sentence with the most likely remedy for an error of `Probe.reason`. */
export function suggestMend(reason: string, facts: HostFacts): string {
  if (facts.platform !== 'linux') return 'run the gateway on Linux, in WSL 2 or in a Linux virtual machine'
  if (/bwrap was not found/.test(reason)) return installing('bubblewrap', facts)
  if (/(prlimit|setpriv|unshare) was not found/.test(reason)) return installing('util-linux', facts)
  if (/no system call filter/.test(reason)) return 'run the gateway on x64 or arm64'
  if (/[Uu]nknown option/.test(reason)) return 'install bubblewrap 0.10, or 0.8 with the security updates of Debian 12'
  if (/control group/.test(reason)) return 'make the control group of the gateway writable for it, or not at all'
  if (/mount proc/.test(reason)) return CONTAINER_MEND
  return (
    forbiddenNamespaces(facts) ?? (facts.container ? CONTAINER_MEND : 'run "bwrap --unshare-all --ro-bind / / true"')
  )
}

function forbiddenNamespaces(facts: HostFacts): string | undefined {
  if (facts.apparmorRestricts === '1') return APPARMOR_MEND
  if (facts.unprivilegedClone === '0') return 'run: sysctl -w kernel.unprivileged_userns_clone=1'
  if (facts.maxUserNamespaces === '0') return 'run: sysctl -w user.max_user_namespaces=15000'
  return undefined
}

function installing(name: string, { distribution }: HostFacts): string {
  const is = (...names: readonly string[]) => names.some((candidate) => distribution.includes(candidate))
  if (is('debian', 'ubuntu')) return `run: apt-get install ${name}`
  if (is('fedora', 'rhel', 'centos')) return `run: dnf install ${name}`
  if (is('alpine')) return `run: apk add ${name}`
  if (is('arch')) return `run: pacman -S ${name}`
  if (is('suse', 'opensuse')) return `run: zypper install ${name}`
  return `install ${name} with the package manager of this system`
}

function readDistribution(): readonly string[] {
  const text = readSetting('/etc/os-release') ?? ''
  return [...text.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((match) => (match[1] ?? '').split(' '))
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

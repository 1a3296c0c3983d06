/** What this host says about itself, as far as it decides whether and how a sandbox can be held here. */
import { existsSync, readFileSync } from 'node:fs'

export interface HostFacts {
  readonly platform: NodeJS.Platform
  /** The `ID` and `ID_LIKE` words of /etc/os-release. */
  readonly distribution: readonly string[]
  readonly container: boolean
  /** In a container that Kubernetes has started. */
  readonly kubernetes: boolean
  /** Version of the Windows Subsystem for Linux; undefined elsewhere. */
  readonly wsl: 1 | 2 | undefined
  /** Contents of the settings that forbid user namespaces; undefined where the kernel has no such setting. */
  readonly apparmorRestricts: string | undefined
  readonly unprivilegedClone: string | undefined
  readonly maxUserNamespaces: string | undefined
}

/** Reads files only. Never throws. */
export function readHostFacts(): HostFacts {
  return {
    platform: process.platform,
    distribution: readDistribution(),
    container: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
    kubernetes: existsSync('/var/run/secrets/kubernetes.io'),
    wsl: wslVersion(readSetting('/proc/version') ?? ''),
    apparmorRestricts: readSetting('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    unprivilegedClone: readSetting('/proc/sys/kernel/unprivileged_userns_clone'),
    maxUserNamespaces: readSetting('/proc/sys/user/max_user_namespaces'),
  }
}

/** From /proc/version: version 1 is no Linux kernel and says `Microsoft`, the kernel of version 2 says `microsoft`. */
export function wslVersion(version: string): 1 | 2 | undefined {
  if (/-Microsoft\b/.test(version)) return 1
  return /microsoft/i.test(version) ? 2 : undefined
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

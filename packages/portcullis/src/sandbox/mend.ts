/**
 * What an operator can do about a host that cannot hold a sandbox: from the host's own error to the command or the
 * setting. `docs/guides/sandbox-hosts.md` tells more of each.
 */
import type { HostFacts } from './host-facts.ts'
import { installing } from './packages.ts'

const APPARMOR =
  'this system lets only programs with an AppArmor profile make user namespaces; run as root: ' +
  "printf '%s\\n' 'abi <abi/4.0>,' 'include <tunables/global>' " +
  "'profile portcullis-bwrap /usr/bin/bwrap flags=(unconfined) {' '  userns,' '}' " +
  '> /etc/apparmor.d/portcullis-bwrap && apparmor_parser -r /etc/apparmor.d/portcullis-bwrap'

const KUBERNETES =
  'set in the pod: hostUsers: false, and in the container: securityContext.procMount: Unmasked and ' +
  'seccompProfile: Unconfined; or give each upstream a pod of its own'

const CONTAINER =
  'the container that the gateway runs in forbids it: Docker: --security-opt systempaths=unconfined --security-opt ' +
  'seccomp=unconfined; Podman: --security-opt unmask=ALL; or one container per upstream'

const ANOTHER_SYSTEM = 'run the gateway on Linux, in WSL 2 or in a Linux virtual machine'

const BY_HAND = 'see what the host says to: bwrap --unshare-all --ro-bind / / true'
const ENGINE_BY_HAND = 'see what the engine says to its command "info"'

type Remedy = string | ((facts: HostFacts) => string | undefined)

const insideOr = (otherwise: string) => (facts: HostFacts) => {
  if (facts.kubernetes) return KUBERNETES
  return facts.container ? CONTAINER : otherwise
}

/** The first row whose pattern is in the error, and whose remedy is one for this host. */
// biome-ignore format: one error a row
const ROWS: ReadonlyArray<readonly [error: RegExp, remedy: Remedy]> = [
  // Other systems
  [/seatbelt exists on macOS only/,                    'use the driver bubblewrap'],
  [/seatbelt does not confine a process of root/,      'run the gateway with the account of an ordinary user'],
  [/bubblewrap needs Linux, and this is darwin/,       `${ANOTHER_SYSTEM}; or use the driver seatbelt, whose walls are fewer`],
  [/bubblewrap needs Linux/,                           ANOTHER_SYSTEM],
  [/no system call filter/,                            'run the gateway on x64 or arm64'],
  [/./,                                                ({ wsl }) => (wsl === 1 ? 'WSL 1 has no namespaces; run in Windows: wsl --set-version <distribution> 2' : undefined)],

  // bubblewrap
  [/[Uu]nknown option|knows no --/,                    'install bubblewrap 0.10, or 0.8 with the security updates of Debian 12'],
  [/control group/,                                    'make the control group of the gateway writable for it (systemd: Delegate=yes), or not at all'],
  [/[Cc]an't mount (?:proc|devpts|mqueue)|mounting proc/, insideOr('let the gateway run where /proc is not masked')],
  [/No permissions? to creat|[Cc]reating new namespace|uid map|gid map|RTM_NEWADDR|unshare failed|new user namespace/, forbiddenNamespaces],

  // Networks
  [/has network rules only with podman/,               'use engine: podman with a gateway that runs as root, or the driver bubblewrap'],
  [/use mode: explicit/,                               'set network.mode to explicit'],

  // Engines
  [/Cannot connect to the Docker daemon|docker engine does not answer|Is the docker daemon running/, 'run: systemctl start docker'],
  [/permission denied while trying to connect to the [Dd]ocker/, 'let the account of the gateway use the engine, which equals root: usermod -aG docker <account>; or use podman'],
  [/container-init binary not found/,                  (facts) => installing('catatonit', facts)],
  [/no subuid ranges|cannot find UID\/GID for user|insufficient UIDs|no subgid ranges/i, 'run as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 <account of the gateway>, then as that account: podman system migrate'],
  [/newuidmap|newgidmap/,                              (facts) => installing('newuidmap', facts)],
  [/cgroups in hybrid mode|unknown version specified/, 'this runtime cannot use the control groups of this host: set container.runtime to runc'],
  [/conmon(?:"|:| ).*(?:not found|no such file)|could not find a working conmon/i, (facts) => installing('conmon', facts)],
  [/runtime "?(runc|crun)"? (?:not found|is not installed)|default OCI runtime/i, (facts) => installing('runc', facts)],
  [/unknown or invalid runtime name|invalid runtime|runtime .*(?:not found|no such file)|exec: "runsc"/i, 'tell the engine of the runtime (docs/guides/sandbox-hosts.md, "gVisor"), or leave container.runtime out'],
  [/error setting rlimit|setrlimit/,                   'raise the limits of the gateway itself (systemd: LimitNOFILE=, LimitNPROC=), or ask for less'],
  [/no seccomp here/,                                  'let the engine filter system calls (podman: seccomp_profile in containers.conf)'],
  [/did not limit the number of files/,                'the engine must run OCI hooks: set container.runtime to runc, or leave tmpFiles out'],
  [/memory.*(?:cgroup|controller)|cgroups? ?v1 rootless/i, 'start the kernel with version 2 of control groups (systemd.unified_cgroup_hierarchy=1), or run the gateway as root'],
  [/\b(?:docker|podman|OCI|container)\b/,              ENGINE_BY_HAND],
]

/** One sentence with the most likely remedy for an error of `Probe.reason`. */
export function suggestMend(reason: string, facts: HostFacts): string {
  const tool = /([\w.-]+) was not found/.exec(reason)?.[1]
  const installed = tool === undefined ? undefined : installing(tool, facts)
  if (installed !== undefined && facts.platform === 'linux') return installed
  for (const [error, remedy] of ROWS) {
    if (!error.test(reason)) continue
    const found = typeof remedy === 'string' ? remedy : remedy(facts)
    if (found !== undefined) return found
  }
  return facts.platform === 'linux' ? (forbiddenNamespaces(facts) ?? BY_HAND) : ANOTHER_SYSTEM
}

/** A kernel that has the setting says so itself; a container shows the settings of its host. */
function forbiddenNamespaces(facts: HostFacts): string | undefined {
  if (facts.kubernetes) return KUBERNETES
  if (facts.apparmorRestricts === '1') return APPARMOR
  if (facts.unprivilegedClone === '0') return 'run as root: sysctl -w kernel.unprivileged_userns_clone=1'
  if (facts.maxUserNamespaces === '0') return 'run as root: sysctl -w user.max_user_namespaces=15000'
  return facts.container ? CONTAINER : undefined
}

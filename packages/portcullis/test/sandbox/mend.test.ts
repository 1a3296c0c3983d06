import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type HostFacts, readHostFacts } from '../../src/sandbox/host-facts.ts'
import { suggestMend } from '../../src/sandbox/mend.ts'

const HOST: HostFacts = {
  platform: 'linux',
  distribution: ['debian'],
  container: false,
  kubernetes: false,
  wsl: undefined,
  apparmorRestricts: undefined,
  unprivilegedClone: '1',
  maxUserNamespaces: '1000',
}

const FEDORA = { distribution: ['rocky', 'rhel', 'fedora'] }
const ALPINE = { distribution: ['alpine'] }
const UBUNTU = { distribution: ['ubuntu', 'debian'], apparmorRestricts: '1' }
const NO_NAMESPACE = 'bwrap: No permissions to create new namespace'
const NO_PROC = "bwrap: Can't mount proc on /newroot/proc: Operation not permitted"

interface Row {
  readonly reason: string
  readonly facts?: Partial<HostFacts>
  readonly mend: RegExp
}

// Errors as hosts have printed them.
// biome-ignore format: one error a row
const ROWS: readonly Row[] = [
  { reason: 'bwrap was not found', mend: /^run: apt-get install bubblewrap$/ },
  { reason: 'bwrap was not found', facts: FEDORA, mend: /^run: dnf install bubblewrap$/ },
  { reason: 'bwrap was not found', facts: ALPINE, mend: /^run: apk add bubblewrap$/ },
  { reason: 'bwrap was not found', facts: { distribution: ['arch'] }, mend: /^run: pacman -S bubblewrap$/ },
  { reason: 'bwrap was not found', facts: { distribution: ['opensuse-leap', 'suse', 'opensuse'] }, mend: /^run: zypper install bubblewrap$/ },
  { reason: 'bwrap was not found', facts: { distribution: [] }, mend: /^install bubblewrap with/ },
  { reason: 'prlimit was not found', mend: /^run: apt-get install util-linux$/ },
  { reason: 'setpriv was not found', mend: /^run: apt-get install util-linux$/ },
  { reason: 'unshare was not found', mend: /^run: apt-get install util-linux$/ },
  { reason: 'nsenter was not found', mend: /^run: apt-get install util-linux$/ },
  { reason: 'mount was not found', mend: /^run: apt-get install mount$/ },
  { reason: 'mkfs.ext4 was not found', mend: /^run: apt-get install e2fsprogs$/ },
  { reason: 'ip was not found', mend: /^run: apt-get install iproute2$/ },
  { reason: 'ip was not found', facts: FEDORA, mend: /^run: dnf install iproute$/ },

  { reason: 'bubblewrap needs Linux, and this is darwin', facts: { platform: 'darwin' }, mend: /on Linux.*seatbelt/ },
  { reason: 'bubblewrap needs Linux, and this is win32', facts: { platform: 'win32' }, mend: /WSL 2/ },
  { reason: 'seatbelt exists on macOS only, and this is linux', mend: /^use the driver bubblewrap$/ },
  { reason: 'seatbelt does not confine a process of root well enough', facts: { platform: 'darwin' }, mend: /ordinary user/ },
  { reason: 'sandbox-exec was not found', facts: { platform: 'darwin' }, mend: /Linux/ },
  { reason: 'there is no system call filter for riscv64', mend: /x64 or arm64/ },
  { reason: NO_NAMESPACE, facts: { wsl: 1 }, mend: /wsl --set-version <distribution> 2/ },
  { reason: NO_NAMESPACE, facts: { wsl: 2, unprivilegedClone: '0' }, mend: /unprivileged_userns_clone/ },

  { reason: 'bwrap: Unknown option --disable-userns', mend: /bubblewrap 0\.10/ },
  { reason: 'this bwrap knows no --ro-bind-fd', mend: /bubblewrap 0\.10/ },
  { reason: 'the control group was refused: EACCES: permission denied', mend: /Delegate=yes/ },
  { reason: NO_PROC, facts: { container: true }, mend: /systempaths=unconfined.*unmask=ALL/ },
  { reason: NO_PROC, facts: { container: true, kubernetes: true }, mend: /hostUsers: false.*procMount: Unmasked/ },
  { reason: NO_PROC, mend: /\/proc is not masked/ },
  { reason: 'bwrap: setting up uid map: Permission denied', facts: UBUNTU, mend: /apparmor_parser -r \/etc\/apparmor\.d\/portcullis-bwrap/ },
  { reason: 'bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted', facts: UBUNTU, mend: /apparmor\.d\/portcullis-bwrap/ },
  { reason: 'bwrap: No permissions to creating new namespace, likely because the kernel does not allow non-privileged user namespaces.', facts: { unprivilegedClone: '0' }, mend: /kernel\.unprivileged_userns_clone=1/ },
  { reason: NO_NAMESPACE, facts: { unprivilegedClone: '0' }, mend: /kernel\.unprivileged_userns_clone=1/ },
  { reason: 'bwrap: Creating new namespace failed: No space left on device', facts: { maxUserNamespaces: '0' }, mend: /user\.max_user_namespaces/ },
  { reason: 'unshare: unshare failed: Operation not permitted', facts: { container: true }, mend: /seccomp=unconfined/ },
  { reason: NO_NAMESPACE, facts: { container: true }, mend: /seccomp=unconfined/ },
  { reason: NO_NAMESPACE, facts: { kubernetes: true }, mend: /hostUsers: false/ },
  { reason: NO_NAMESPACE, mend: /bwrap --unshare-all/ },
  { reason: 'something new', mend: /bwrap --unshare-all/ },
  { reason: 'something new', facts: { platform: 'freebsd' }, mend: /on Linux/ },

  { reason: 'a container has network rules only with podman, as root, and with runc or crun', mend: /engine: podman.*root/ },
  { reason: 'macOS has no network namespaces, so names cannot be answered inside: use mode: explicit', facts: { platform: 'darwin' }, mend: /mode to explicit/ },
  { reason: 'podman was not found', mend: /^run: apt-get install podman$/ },
  { reason: 'docker was not found', mend: /^run: apt-get install docker\.io$/ },
  { reason: 'catatonit was not found', mend: /^run: apt-get install catatonit$/ },
  { reason: 'container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file or directory', mend: /^run: apt-get install catatonit$/ },
  { reason: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?', mend: /^run: systemctl start docker$/ },
  { reason: 'permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock', mend: /usermod -aG docker/ },
  { reason: 'no subuid ranges found for user "ada" in /etc/subuid', mend: /usermod --add-subuids/ },
  { reason: 'exec: "newuidmap": executable file not found in $PATH', mend: /^run: apt-get install uidmap$/ },
  { reason: 'OCI runtime error: crun: cgroups in hybrid mode not supported, drop all controllers from cgroup v1', mend: /container\.runtime to runc/ },
  { reason: 'default OCI runtime "crun" not found: invalid argument', mend: /^run: apt-get install runc$/ },
  { reason: 'unknown or invalid runtime name: runsc', mend: /gVisor/ },
  { reason: 'runc: runc create failed: unable to start container process: error during container init: error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: OCI permission denied', mend: /LimitNOFILE/ },
  { reason: 'podman has no seccomp here, so no system call would be filtered', mend: /seccomp_profile/ },
  { reason: 'podman ended with status 125', mend: /"info"/ },
]

describe('the remedy for an error of the host', () => {
  for (const { reason, facts, mend } of ROWS) {
    it(`${reason} on ${JSON.stringify(facts ?? {})}`, () =>
      assert.match(suggestMend(reason, { ...HOST, ...facts }), mend))
  }
})

it('reads this host', () => assert.equal(readHostFacts().platform, process.platform))

it('the guide holds the profile that the remedy writes', () => {
  const mend = suggestMend(NO_NAMESPACE, { ...HOST, ...UBUNTU })
  const lines = [...(/printf '%s\\n' (.*?) >/.exec(mend)?.[1] ?? '').matchAll(/'([^']*)'/g)].map((match) => match[1])
  assert.equal(lines.length, 5)
  const guide = readFileSync(new URL('../../../../docs/guides/sandbox-hosts.md', import.meta.url), 'utf8')
  assert.ok(guide.includes(lines.join('\n')), lines.join('\n'))
})

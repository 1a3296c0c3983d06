import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type HostFacts, readHostFacts, suggestMend } from '../../src/sandbox/mend.ts'

const HOST: HostFacts = {
  platform: 'linux',
  distribution: ['debian'],
  container: false,
  apparmorRestricts: undefined,
  unprivilegedClone: '1',
  maxUserNamespaces: '1000',
}

const NO_NAMESPACE = 'bwrap: No permissions to create new namespace'
const ROWS: ReadonlyArray<{ readonly reason: string; readonly facts?: Partial<HostFacts>; readonly mend: RegExp }> = [
  { reason: 'bwrap was not found', mend: /^run: apt-get install bubblewrap$/ },
  {
    reason: 'bwrap was not found',
    facts: { distribution: ['rocky', 'rhel', 'fedora'] },
    mend: /^run: dnf install bubblewrap$/,
  },
  { reason: 'bwrap was not found', facts: { distribution: ['alpine'] }, mend: /^run: apk add bubblewrap$/ },
  { reason: 'bwrap was not found', facts: { distribution: [] }, mend: /^install bubblewrap with/ },
  { reason: 'prlimit was not found', mend: /^run: apt-get install util-linux$/ },
  { reason: 'bubblewrap needs Linux, and this is darwin', facts: { platform: 'darwin' }, mend: /on Linux/ },
  { reason: 'there is no system call filter for riscv64', mend: /x64 or arm64/ },
  { reason: 'bwrap: Unknown option --bind-fd', mend: /bubblewrap 0\.10/ },
  {
    reason: "bwrap: Can't mount proc on /newroot/proc: Operation not permitted",
    facts: { container: true },
    mend: /unmask|procMount/,
  },
  {
    reason: 'bwrap: setting up uid map: Permission denied',
    facts: { apparmorRestricts: '1' },
    mend: /apparmor\.d\/bwrap/,
  },
  { reason: 'bwrap: loopback: Failed RTM_NEWADDR', facts: { apparmorRestricts: '1' }, mend: /apparmor\.d\/bwrap/ },
  { reason: NO_NAMESPACE, facts: { unprivilegedClone: '0' }, mend: /kernel\.unprivileged_userns_clone=1/ },
  { reason: NO_NAMESPACE, facts: { maxUserNamespaces: '0' }, mend: /user\.max_user_namespaces/ },
  { reason: NO_NAMESPACE, facts: { container: true }, mend: /seccomp=unconfined/ },
  { reason: 'something new', mend: /^run "bwrap/ },
]

for (const { reason, facts, mend } of ROWS) {
  it(`${reason} on ${JSON.stringify(facts ?? {})}`, () =>
    assert.match(suggestMend(reason, { ...HOST, ...facts }), mend))
}

it('reads this host', () => assert.equal(readHostFacts().platform, process.platform))

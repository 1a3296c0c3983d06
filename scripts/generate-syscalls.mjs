#!/usr/bin/env node
/**
 * Writes packages/portcullis/src/sandbox/syscalls.json: the numbers of the system calls that the sandbox's filter allows,
 * denies and looks into, for each architecture. Run by hand when the list is to change; the table is committed.
 *
 * Source of the names: the default seccomp profile of containers/common (Apache-2.0,
 * https://github.com/containers/common), as packaged by Debian. Source of the numbers: libseccomp's scmp_sys_resolver.
 *
 *   apt-get install --no-install-recommends golang-github-containers-common seccomp
 *   node scripts/generate-syscalls.mjs
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const PROFILE = '/usr/share/containers/seccomp.json'
const TARGET = new URL('../packages/portcullis/src/sandbox/syscalls.json', import.meta.url)
const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' }

/** Calls whose arguments decide: sandbox/seccomp.ts has a rule for each. */
const FILTERED = words(`
  clone clone3 socket socketpair ioctl personality prctl
  chmod fchmod fchmodat fchmodat2 creat open openat openat2 mknod mknodat fallocate`)

/** Calls that a container may make and a sandboxed upstream may not, beside those that the profile denies by itself. */
const DENIED = words(`
  ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise
  keyctl add_key request_key bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
  mount umount umount2 pivot_root chroot setns unshare
  open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr statmount listmount
  name_to_handle_at open_by_handle_at init_module finit_module delete_module kexec_load kexec_file_load
  reboot swapon swapoff acct quotactl quotactl_fd syslog
  settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname iopl ioperm modify_ldt vhangup
  lookup_dcookie nfsservctl _sysctl sysfs ustat uselib fanotify_init fanotify_mark vmsplice memfd_secret
  move_pages migrate_pages mbind set_mempolicy get_mempolicy set_mempolicy_home_node io_setup`)

/** Calls younger than the profile that C libraries and run times use. */
const ADDED = words('futex_waitv cachestat map_shadow_stack futex_wake futex_wait futex_requeue mseal epoll_pwait2')

/** Numbers younger than libseccomp 2.5.4; the same on every architecture (include/uapi/asm-generic/unistd.h). */
const YOUNG = {
  cachestat: 451,
  fchmodat2: 452,
  map_shadow_stack: 453,
  futex_wake: 454,
  futex_wait: 455,
  futex_requeue: 456,
  statmount: 457,
  listmount: 458,
  mseal: 462,
} // prettier-ignore

const profile = JSON.parse(readFileSync(PROFILE, 'utf8'))
const denied = new Set([...DENIED, ...namesOf((rule) => rule.action === 'SCMP_ACT_ERRNO' && !rule.args?.length)])
const allowed = new Set([...ADDED, 'arch_prctl', ...namesOf(isAllowedToAll)])
for (const name of [...denied, ...FILTERED]) allowed.delete(name)

const table = {
  source:
    'Names: default seccomp profile of github.com/containers/common (Debian golang-github-containers-common). Numbers: libseccomp.',
  licence: 'Apache-2.0',
}
for (const [architecture, resolverName] of Object.entries(ARCHITECTURES)) {
  table[architecture] = {
    allowed: numbers(resolverName, allowed),
    denied: numbers(resolverName, denied),
    filtered: numbers(resolverName, FILTERED),
  }
}
writeFileSync(TARGET, `${JSON.stringify(table, null, 1)}\n`)

function words(text) {
  return text.trim().split(/\s+/)
}

function namesOf(matches) {
  return profile.syscalls.filter(matches).flatMap((rule) => rule.names)
}

function isAllowedToAll(rule) {
  const conditional =
    rule.args?.length || Object.keys(rule.includes ?? {}).length || Object.keys(rule.excludes ?? {}).length
  return rule.action === 'SCMP_ACT_ALLOW' && !conditional
}

function numbers(architecture, names) {
  const entries = [...names].map((name) => [name, numberOf(architecture, name)]).filter(([, number]) => number >= 0)
  return Object.fromEntries(entries.sort(([, left], [, right]) => left - right))
}

function numberOf(architecture, name) {
  if (name in YOUNG) return YOUNG[name]
  try {
    return Number(
      execFileSync('scmp_sys_resolver', ['-a', architecture, name], { stdio: ['ignore', 'pipe', 'ignore'] }),
    )
  } catch {
    return -1
  }
}

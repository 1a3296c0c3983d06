/** Decides whether one program may be run with these words. */
import { isUnder } from '../paths/containment.ts'
import type { ProgramRules, ShellRules } from './shell-rules.ts'
import type { ShellWord } from './shell-words.ts'

/** What is wrong: a stable reason, the word that shows it, and what a caller may read. */
export interface ShellBreach {
  readonly reason: string
  readonly evidence: string
  readonly says: string
}

/** Programs whose arguments are programs or scripts. What they run is looked at by nobody. */
const RUNNERS = new Set(
  [
    'sh bash dash ash zsh ksh mksh fish csh tcsh rbash busybox toybox eval exec command builtin source . trap alias env xargs',
    'parallel sudo doas su runuser setpriv chroot unshare nsenter nohup setsid timeout time nice ionice chrt taskset stdbuf watch',
    'strace ltrace gdb script expect screen tmux at batch crontab systemd-run start-stop-daemon flock cpulimit ssh rsh mosh scp sftp',
    'python python2 python3 perl ruby node nodejs deno bun php lua luajit tclsh wish java jshell awk gawk mawk nawk sed ed ex vi vim',
    'nvim view emacs nano less more man make cmake ninja gcc cc tcc go cargo npm npx yarn pnpm pip pip3 gem docker podman kubectl',
    'lxc firejail bwrap proot fakeroot capsh powershell pwsh cmd cmd.exe wsl cscript wscript mshta rundll32 rsync socat nc ncat netcat',
    'openssl dpkg rpm apt apt-get yum dnf snap run-parts dbus-send mail mutt ftp telnet zip7 apache2 nginx service systemctl env.exe',
  ].flatMap((line) => line.split(' ')),
)

/** Flags by which programs that look harmless run others or write files; an entry also matches its abbreviations. */
const RUNNING_FLAGS: Readonly<Record<string, readonly string[]>> = {
  find: ['-exec', '-execdir', '-ok', '-okdir', '-delete', '-fprintf', '-fprint', '-fprint0', '-fls'],
  fd: ['-x', '-X', '--exec', '--exec-batch'],
  rg: ['--pre', '--hostname-bin', '-z', '--search-zip'],
  git: [
    '-c',
    '--config-env',
    '--exec-path',
    '--upload-pack',
    '--receive-pack',
    '--exec',
    '-u',
    '--open-files-in-pager',
    '-O',
    '--ext-diff',
    '-x',
    '--textconv',
    '--output',
  ],
  tar: [
    '--to-command',
    '--checkpoint-action',
    '-I',
    '--use-compress-program',
    '--rsh-command',
    '--rmt-command',
    '-F',
    '--info-script',
    '--new-volume-script',
  ],
  zip: ['-T', '-TT', '--unzip-command'],
  sort: ['--compress-program', '-o', '--output', '-T'],
  split: ['--filter'],
  curl: [
    '-o',
    '-O',
    '--output',
    '--remote-name',
    '-K',
    '--config',
    '-T',
    '--upload-file',
    '--engine',
    '-d',
    '--data',
    '-F',
    '--form',
    '-x',
    '--proxy',
  ],
  wget: [
    '-O',
    '--output-document',
    '--use-askpass',
    '--post-file',
    '-i',
    '--input-file',
    '-e',
    '--execute',
    '-P',
    '--config',
  ],
  date: ['-f', '--file', '-s', '--set'],
  file: ['-f', '--files-from', '-m'],
  diff: ['--to-file', '--from-file'],
  grep: ['-f', '--file'],
  wc: ['--files0-from'],
  du: ['--files0-from'],
  tcpdump: ['-z', '-w'],
}

const LEAST_ABBREVIATION = 4

/** The first breach among the words after the program, or undefined. `roots` apply to whatever looks like a path. */
export function checkProgram(words: readonly ShellWord[], rules: ShellRules): ShellBreach | undefined {
  const [program, ...rest] = words
  if (program === undefined) return undefined
  if (!program.fixed || program.globs) return breach('computed-program', program.text, 'must name its programs plainly')
  if (!Object.hasOwn(rules.programs, program.text)) {
    return breach('program', program.text, 'must use only the programs that are allowed')
  }
  const own = rules.programs[program.text] as ProgramRules
  const name = program.text.slice(program.text.lastIndexOf('/') + 1)
  if (RUNNERS.has(name.toLowerCase()) && own.runsOthers !== 'allowed') {
    return breach('runs-others', name, 'must not use programs that run other programs')
  }
  const denied = [...(own.deniedFlags ?? []), ...(own.runsOthers === 'allowed' ? [] : (RUNNING_FLAGS[name] ?? []))]
  let flagsEnded = false
  for (const word of rest) {
    if (!flagsEnded && word.text === '--') flagsEnded = true
    else {
      const isFlag = !flagsEnded && word.text.startsWith('-') && word.text !== '-'
      const wrong = isFlag ? checkFlag(word.text, own.allowedFlags, denied) : checkOperand(word, own)
      const outside = wrong ?? checkPlace(word.text, rules, own.operands === 'paths' && !isFlag)
      if (outside !== undefined) return outside
    }
  }
  return undefined
}

function checkFlag(
  flag: string,
  allowed: readonly string[] | undefined,
  denied: readonly string[],
): ShellBreach | undefined {
  const [name = flag] = flag.split('=', 1)
  const refuse = () => breach('flag', name, 'must use only the flags that are allowed')
  if (denied.some((each) => isSameFlag(name, each))) return refuse()
  if (allowed === undefined || allowed.includes(flag) || allowed.includes(name) || allowed.includes(`${name}=`)) return
  if (name.startsWith('--')) return refuse()
  if (allowed.some((each) => each.length === 3 && each.endsWith('=') && flag.startsWith(each.slice(0, 2)))) return
  return Array.from(name.slice(1)).every((letter) => allowed.includes(`-${letter}`)) ? undefined : refuse()
}

/** Long flags may be abbreviated (GNU), short ones clustered or followed by their value. */
function isSameFlag(name: string, denied: string): boolean {
  if (name === denied) return true
  if (name.startsWith('--')) return name.length >= LEAST_ABBREVIATION && denied.startsWith(name)
  if (denied.length !== 2) return denied.startsWith('-') && !denied.startsWith('--') && name.startsWith(denied)
  return !name.startsWith('--') && name.slice(1).includes(denied.slice(1))
}

function checkOperand(word: ShellWord, { operands = 'any' }: ProgramRules): ShellBreach | undefined {
  return operands === 'none' ? breach('operand', word.text, 'must have no words beside flags') : undefined
}

/** A value glued to a flag (`--file=/etc/x`, `-f/etc/x`) is a path as well. */
export function checkPlace(text: string, rules: ShellRules, isPath: boolean): ShellBreach | undefined {
  const { roots } = rules
  if (roots === undefined) return undefined
  const at = text.startsWith('-') ? text.search(/[=/~]|\.\./) : 0
  const place = at < 0 ? '' : text.slice(at).replace(/^=/, '')
  if (!isPath && !/[/\\]|^~|(?:^|[=:])\.\.?(?:$|[=:])/.test(place)) return undefined
  if (place === '' && !isPath) return undefined
  const base = rules.directory ?? roots[0] ?? '/'
  return isUnder(place, { roots, base }) ? undefined : breach('path', text, 'must stay inside the allowed folders')
}

export const breach = (reason: string, evidence: string, says: string): ShellBreach => ({
  reason: `command.${reason}`,
  evidence,
  says,
})

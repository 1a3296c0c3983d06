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
    'read mapfile readarray unset enable fc compgen complete bind hash jobs getopts wait let',
    'psql mysql mariadb sqlite3 redis-cli mongosh uv uvx bunx pnpx pipx poetry tox pytest rscript julia octave runghc scala groovy',
    'erl elixir iex mvn gradle ant rake bundle composer dotnet swift rustc pkexec runcon valgrind ldd entr watchexec hyperfine sshpass',
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
  // An array's subscript is evaluated, with whatever it runs.
  printf: ['-v'],
  test: ['-v', '-R'],
  '[': ['-v', '-R'],
}

/** Words that make a program run others: subcommands, wherever they stand before `--`. */
const RUNNING_WORDS: Readonly<Record<string, ReadonlySet<string>>> = {
  git: new Set('bisect config daemon difftool filter-branch foreach instaweb mergetool send-email'.split(' ')),
  ip: new Set(['exec', 'vrf']),
}

/** `split --f=…` is `--filter`. */
const LEAST_ABBREVIATION = 3
/** To these `--` is a word like others; what begins with a hyphen after it is no operand. */
const WITHOUT_END: ReadonlySet<string> = new Set(['find', 'test', '['])
/** The first word is a cluster of flags, with or without a hyphen. */
const BARE_FLAGS: ReadonlySet<string> = new Set(['tar', 'bsdtar', 'gtar'])

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
  if (isRunner(name) && own.runsOthers !== 'allowed') return runsOthers(name)
  const denied = [...(own.deniedFlags ?? []), ...(own.runsOthers === 'allowed' ? [] : (RUNNING_FLAGS[name] ?? []))]
  const running = own.runsOthers === 'allowed' ? undefined : RUNNING_WORDS[name]
  let flagsEnded = false
  for (const [index, word] of rest.entries()) {
    if (!flagsEnded && word.text === '--') flagsEnded = !WITHOUT_END.has(name)
    else {
      if (!flagsEnded && running?.has(word.text) === true) return runsOthers(word.text)
      const isBare = index === 0 && BARE_FLAGS.has(name) && !word.text.startsWith('-')
      const isFlag = isBare || (!flagsEnded && word.text.startsWith('-') && word.text !== '-')
      const flag = isBare ? `-${word.text}` : word.text
      const wrong = isFlag ? checkFlag(flag, own.allowedFlags, denied) : checkOperand(word, own)
      const outside = wrong ?? checkPlace(word.text, rules, own.operands === 'paths' && !isFlag)
      if (outside !== undefined) return outside
    }
  }
  return undefined
}

const runsOthers = (word: string): ShellBreach =>
  breach('runs-others', word, 'must not use programs that run other programs')

/** Versions are cut: `python3.11`. */
function isRunner(program: string): boolean {
  const name = program.toLowerCase()
  return RUNNERS.has(name) || RUNNERS.has(name.replace(/-?\d[\d.]*$/, ''))
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
  if (gluedPlaces(text).some((glued) => !isInside(glued, rules)))
    return breach('path', text, 'must stay inside the allowed folders')
  if (!isPath && !/[/\\]|^~|(?:^|[=:])\.\.?(?:$|[=:])/.test(place)) return undefined
  if (place === '' && !isPath) return undefined
  return isInside(place, rules) ? undefined : breach('path', text, 'must stay inside the allowed folders')
}

const isInside = (place: string, { roots = [], directory }: ShellRules): boolean =>
  isUnder(place, { roots, base: directory ?? roots[0] ?? '/' })

/** What a program may read as a path of its own inside of a word: `if=/etc/x`, `a,/etc/x`, `@/etc/x`, `file:///etc/x`. */
const gluedPlaces = (text: string): readonly string[] =>
  /^(?:https?|ftps?|wss?):\/\//i.test(text)
    ? []
    : text
        .split(/[=:,@]/)
        .slice(1)
        .filter((part) => /^[/~]|(?:^|\/)\.\.(?:\/|$)/.test(part))

export const breach = (reason: string, evidence: string, says: string): ShellBreach => ({
  reason: `command.${reason}`,
  evidence,
  says,
})

/** What a command line may contain. Everything is refused that is not named here. */
import type { SHELL_FEATURES } from '../../core/inspection-words.ts'

export type ShellFeature = (typeof SHELL_FEATURES)[number]

/** What one program may be called with. */
export interface ProgramRules {
  /**
   * Flags as they are written, `-l` or `--all`; `-n=` and `--max=` for those with a value. Absent means any that is not denied.
   * Short flags may be clustered when each of them is allowed.
   */
  readonly allowedFlags?: readonly string[]
  readonly deniedFlags?: readonly string[]
  /** `none`: no words beside flags. `paths`: each such word is a path and must lie under the roots. Default `any`. */
  readonly operands?: 'any' | 'paths' | 'none'
  /** A weakening: the program may run other programs, which nobody then looks at (`env`, `xargs`, `find -exec`, `git -c`). */
  readonly runsOthers?: 'allowed'
}

export interface ShellRules {
  /** Programs by the word that stands in the command; `/bin/ls` is another word than `ls`. */
  readonly programs: Readonly<Record<string, ProgramRules>>
  readonly allow?: readonly ShellFeature[]
  /** Which grammar the tool's shell has. Default `bash`. */
  readonly variant?: 'bash' | 'posix' | 'mksh'
  /** Absolute POSIX folders. When given, every word that looks like a path, and every redirection, must lie under one of them. */
  readonly roots?: readonly string[]
  /** The folder that the tool's shell starts in, which relative paths are resolved against. Default: the first root. */
  readonly directory?: string
  /** Characters. Default 2048, at most 4096, because parsing costs up to 30 microseconds a character. */
  readonly maxLength?: number
}

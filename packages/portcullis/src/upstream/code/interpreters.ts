/** Which programs run the snippets, and what has to be shown of the host for them. */
import { resolveRuntime } from '../../sandbox/runtime.ts'
import type { Language } from './snippet.ts'

export interface Interpreter {
  readonly language: Language
  /** Absolute path, or a bare name where the sandbox looks it up itself. */
  readonly program: string
  /** What goes before the name of the snippet. */
  readonly args: readonly string[]
  /** Paths outside the system's own folders that it needs. */
  readonly readOnly: readonly string[]
}

/** Programs that run a language, the best first. */
const PROGRAMS: Readonly<Record<Language, readonly string[]>> = {
  javascript: ['node'],
  python: ['python3'],
  shell: ['sh'],
}

/** `-B`: no folder of compiled files among the results. `-u`: what was printed before a snippet is ended is not lost. */
const OPTIONS: Readonly<Record<Language, readonly string[]>> = {
  javascript: [],
  python: ['-B', '-u'],
  shell: [],
}

/** Those of the languages whose program is on this host, with their real paths. */
export function findInterpreters(
  languages: readonly Language[],
  searchPath: readonly string[],
): readonly Interpreter[] {
  return languages.flatMap((language) => {
    const found = PROGRAMS[language].map((program) => tryToFind(program, searchPath)).find((one) => one !== undefined)
    if (found === undefined) return []
    const { program, leading, readOnly } = found
    return [{ language, program, args: [...leading, ...OPTIONS[language]], readOnly }]
  })
}

/** The languages as an image of a container has them: by name, to be found inside. */
export const interpretersInside = (languages: readonly Language[]): readonly Interpreter[] =>
  languages.map((language) => ({
    language,
    program: PROGRAMS[language][0] as string,
    args: OPTIONS[language],
    readOnly: [],
  }))

function tryToFind(program: string, searchPath: readonly string[]) {
  try {
    return resolveRuntime(program, searchPath)
  } catch {
    return undefined
  }
}

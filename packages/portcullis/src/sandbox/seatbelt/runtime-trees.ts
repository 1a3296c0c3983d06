/** What a program of a package manager of macOS needs beside its own file: the libraries of the same prefix. */
import { isWithin } from '../bind.ts'

/** Homebrew on Apple silicon and on Intel, MacPorts: readable for every account of a Mac, and without settings. */
const PREFIXES = ['/opt/homebrew/Cellar', '/usr/local/Cellar', '/opt/local']
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  '/opt/homebrew/Cellar': ['/opt/homebrew/Cellar', '/opt/homebrew/opt', '/opt/homebrew/lib'],
  '/usr/local/Cellar': ['/usr/local/Cellar', '/usr/local/opt', '/usr/local/lib'],
  '/opt/local': ['/opt/local/lib', '/opt/local/libexec'],
}

/** `paths` are real paths of programs and scripts; the answer holds them and what belongs to them. */
export function runtimeTrees(paths: readonly string[]): readonly string[] {
  const prefixes = PREFIXES.filter((prefix) => paths.some((path) => isWithin(path, prefix)))
  return [...new Set([...paths, ...prefixes.flatMap((prefix) => LIBRARIES[prefix] ?? [])])]
}

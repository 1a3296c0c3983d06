/** The small shapes that several parts of the configuration share. `title` says what would be right, in errors and documents. */
import { z } from 'zod'

export const seconds = (min: number, max: number) => z.int().min(min).max(max)
export const count = (min: number, max: number) => z.int().min(min).max(max)

// biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL ends a path early in system calls
export const path = z
  .string()
  .regex(/^[^\0\r\n]+$/)
  .meta({ title: 'a path, absolute, from ~, or relative to this file' })

export const text = z
  .string()
  .regex(/^[^\0\r\n]+$/)
  .meta({ title: 'one line of text' })

export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/)
  .meta({ title: 'a name of up to 32 lower-case letters, digits and dashes that begins with a letter' })

export const roleName = z
  .string()
  .regex(/^[A-Za-z][\w:.-]{0,63}$/)
  .meta({ title: 'a role name of letters, digits and . : _ - that begins with a letter' })

export const variableName = z
  .string()
  .regex(/^[A-Za-z_]\w{0,127}$/)
  .meta({ title: 'the name of an environment variable' })

export const headerName = z
  .string()
  .regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/)
  .meta({ title: 'a header name in lower case' })

export const origin = z
  .string()
  .regex(/^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/)
  .meta({ title: 'an origin such as https://app.example.com' })

export const hostName = z
  .string()
  .regex(/^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/)
  .meta({ title: 'a host name in lower case, with a port if it is not the usual one' })

export const address = z
  .string()
  .regex(/^[0-9a-f:.]+(\/\d{1,3})?$/)
  .meta({ title: 'an IP address or network such as 10.0.0.0/8' })

/** For rules over several members: they run even when a member is wrong, so that all mistakes are told at once. */
export function isMap({ value }: { readonly value: unknown }): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Exactly one of `keys` must be there. */
export function exactlyOne<T extends object>(...keys: readonly (keyof T & string)[]) {
  return {
    check: (value: T) => keys.filter((key) => value[key] !== undefined).length === 1,
    params: {
      message: `needs exactly one of ${keys.join(', ')}`,
      when: isMap,
    },
  }
}

const secretRule = exactlyOne<{ env?: string | undefined; file?: string | undefined }>('env', 'file')

/** Where a secret is to be read from. The configuration itself never holds one, so it can be kept in git and shown. */
export const secretSource = z
  .strictObject({
    env: variableName.optional().describe('Name of the environment variable that holds the secret.'),
    file: path.optional().describe('File that holds the secret. Nobody but its owner may read it (mode 0600).'),
  })
  .refine(secretRule.check, secretRule.params)
  .meta({ title: '{ env: NAME } or { file: path }' })

/** Where a listener binds; loopback unless something else is said. */
export const listenHost = z
  .string()
  .regex(/^[A-Za-z0-9.:-]+$/)
  .meta({ title: 'an address or host name' })
  .default('127.0.0.1')

/** Keeps the bundles of SPIFFE trust domains as their files are now: authorities change while the gateway runs. */
import { statSync } from 'node:fs'
import { readTrustBundle, type TrustBundle } from '../pki/trust-bundle.ts'

export interface TrustBundlesOptions {
  /** File of each trust domain. */
  readonly files: Readonly<Record<string, string>>
  readonly everySeconds: number
  /** A file that cannot be used leaves what was read before in force. */
  readonly onFailure: (trustDomain: string, error: unknown) => void
  readonly onChange: (trustDomain: string, authorities: number) => void
}

export class TrustBundles {
  readonly #options: TrustBundlesOptions
  readonly #bundles = new Map<string, { readonly bundle: TrustBundle; readonly mark: string }>()
  #timer: NodeJS.Timeout | undefined

  /** Throws PkiError when a bundle cannot be read. */
  constructor(options: TrustBundlesOptions) {
    this.#options = options
    for (const [domain, file] of Object.entries(options.files)) {
      const mark = markOf(file)
      this.#bundles.set(domain, { bundle: readTrustBundle(file), mark })
    }
  }

  /** PEM of all domains. */
  get authorities(): readonly string[] {
    return [...this.#bundles.values()].flatMap(({ bundle }) => bundle.authorities)
  }

  /** Thumbprints of those who vouch for the domain; undefined when it has no bundle. */
  of(trustDomain: string): ReadonlySet<string> | undefined {
    return this.#bundles.get(trustDomain)?.bundle.thumbprints
  }

  /** Looks at the files from time to time; `changed` is told when one has other authorities than before. */
  follow(changed: () => void): void {
    if (this.#bundles.size === 0) return
    this.#timer = setInterval(() => {
      if (this.refresh()) changed()
    }, this.#options.everySeconds * 1_000).unref()
  }

  /** Looks at the files now. True when a bundle is another one. Never throws. */
  refresh(): boolean {
    let isChanged = false
    for (const [domain, file] of Object.entries(this.#options.files)) {
      try {
        const known = this.#bundles.get(domain)
        const mark = markOf(file)
        if (known?.mark === mark) continue
        const bundle = readTrustBundle(file)
        this.#bundles.set(domain, { bundle, mark })
        if (known !== undefined && isSame(known.bundle, bundle)) continue
        isChanged = true
        this.#options.onChange(domain, bundle.authorities.length)
      } catch (error) {
        this.#options.onFailure(domain, error)
      }
    }
    return isChanged
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/** Changes whenever a file is written or replaced. */
function markOf(file: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

const isSame = (a: TrustBundle, b: TrustBundle): boolean =>
  a.thumbprints.size === b.thumbprints.size && [...a.thumbprints].every((one) => b.thumbprints.has(one))

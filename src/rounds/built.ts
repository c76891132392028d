interface Build {
  key: string
  /** One a repository. */
  references: readonly string[]
}

/** What the rounds have built, by image. The first and the last build may be what a release is about. */
export class Built {
  readonly #builds = new Map<string, Build[]>()

  add(image: string, build: Build): void {
    const [first, ...rest] = this.#builds.get(image) ?? []
    // What is built again is the last again.
    const others = rest.filter(({ key }) => key !== build.key)
    this.#builds.set(image, first === undefined ? [build] : [first, ...others, build])
  }

  /** References of the states in between. */
  old(): string[] {
    return [...this.#builds.values()].flatMap((builds) => {
      const kept = [builds[0], builds.at(-1)].flatMap((one) => one?.references ?? [])
      return builds.flatMap(({ references }) => references.filter((one) => !kept.includes(one)))
    })
  }

  /** Those are no longer there; the others are tried again. */
  forget(references: ReadonlySet<string>): void {
    for (const [image, builds] of this.#builds) {
      const left = builds.map((build) => ({ ...build, references: build.references.filter((one) => !references.has(one)) }))
      this.#builds.set(
        image,
        left.filter(({ references: rest }) => rest.length > 0),
      )
    }
  }
}

// The entry of the bundle. Each door is loaded when it is opened, so that neither pays for the other.

export async function action(entry: string): Promise<void> {
  const { main } = await import('./main.ts')
  await main(entry)
}

export async function terminal(args: string[]): Promise<void> {
  const { cli } = await import('./cli.ts')
  await cli(args)
}

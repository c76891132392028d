const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** How often a property is asked: a sample at every save, and twenty times as often in the campaign. */
export function runs(sample: number): number {
  return isCampaign ? sample * 20 : sample
}

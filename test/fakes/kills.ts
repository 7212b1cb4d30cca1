/** How often a test kills a process: a few times, or as often as a campaign by hand asks for (FACELATCH_KILLS=1000). */
export const killsOr = (few: number): number => Number(process.env.FACELATCH_KILLS ?? few);

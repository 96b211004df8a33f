namespace KvmBackup.Lab.Support;

/// <summary>Selects failing calls of <c>rbd</c> and their faults: always the most critical ones, and all or a seeded
/// selection of the rest.</summary>
public static class RbdFaults
{
    /// <summary>The faults that end at once.</summary>
    public static IReadOnlyList<ProgramFault> Quick { get; } =
        [ProgramFault.Fail, ProgramFault.Silence, ProgramFault.Cut, ProgramFault.LostAnswer];

    /// <summary>Only calls of rbd: another test covers the other programs.</summary>
    /// <param name="calls">All calls of a successful run, which makes an increment of one image.</param>
    /// <param name="count">The number of faults when not all are tried.</param>
    public static IEnumerable<(int At, ProgramFault Fault)> Select(IReadOnlyList<string> calls, int count)
    {
        int[] all = [.. Enumerable.Range(1, calls.Count)
            .Where(at => calls[at - 1].StartsWith("rbd ", StringComparison.Ordinal))];
        int snapshot = all.Single(at => calls[at - 1].Contains("snap create", StringComparison.Ordinal));
        int export = all.Single(at => calls[at - 1].Contains("export-diff", StringComparison.Ordinal));
        (int At, ProgramFault Fault)[] delicate =
        [
            (snapshot, ProgramFault.Silence), (snapshot, ProgramFault.LostAnswer), (snapshot, ProgramFault.Hang),
            (export, ProgramFault.Cut), (export, ProgramFault.Silence),
        ];
        (int At, ProgramFault Fault)[] rest =
            [.. all.SelectMany(at => Quick.Select(fault => (at, fault))).Except(delicate)];
        LabSeed.For(8).Shuffle(rest);
        return [.. delicate, .. CrashSite.IsFullMatrix ? rest : rest.Take(count - delicate.Length)];
    }
}

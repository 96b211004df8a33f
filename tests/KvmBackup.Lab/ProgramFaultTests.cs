using KvmBackup.Lab.Support;

namespace KvmBackup.Lab;

/// <summary>
/// The fault matrix: each call of each program fails in each way. No bad backup is published, no backup is lost, and
/// the guest is intact, at the latest after a recovery.
/// </summary>
public sealed class ProgramFaultTests
{
    private const int SelectedFaults = 8;

    [LabFact(Timeout = 10_800_000, Seconds = 120)]
    public async Task A_fault_of_any_program_call_harms_neither_guest_nor_backups()
    {
        await using CrashSite site = await CrashSite.CreateAsync("faults");
        await AssertAllHarmlessAsync(site, calls => Select(calls));
    }

    [LabFact(Timeout = 10_800_000, Seconds = 120)]
    [Trait("Needs", "Ceph")]
    public async Task A_fault_of_any_rbd_call_harms_neither_guest_nor_backups_and_leaves_no_snapshot()
    {
        LabRbdImage image = new("faults");
        await using CrashSite site = await CrashSite.CreateAsync("faults-rbd", image);
        await AssertAllHarmlessAsync(site, calls => RbdFaults.Select(calls, SelectedFaults));

        string known = File.ReadAllText(
            Path.Combine(site.Site.BackupDirectories(site.Guest.Name)[^1], "manifest.json"));
        LabRbdSnapshot left = Assert.Single(await LabCeph.SnapshotsAsync(image));
        Assert.Contains(left.Name, known, StringComparison.Ordinal);
        foreach (string id in site.Site.BackupIds(site.Guest.Name))
        {
            (await site.Site.RunAsync(
                "restore", $"{site.Guest.Name}@{id}", "--to", LabEnvironment.NewDirectory("point"))).MustSucceed();
        }
    }

    private static async Task AssertAllHarmlessAsync(
        CrashSite site, Func<IReadOnlyList<string>, IEnumerable<(int At, ProgramFault Fault)>> select)
    {
        FaultyPrograms programs = new();
        (await programs.RunAsync(site.Site, at: 0, ProgramFault.Fail)).MustSucceed();
        site.Remember();
        IReadOnlyList<string> calls = programs.Calls;
        List<string> complaints = [];

        foreach ((int at, ProgramFault fault) in select(calls))
        {
            string what = $"call {at} of {calls.Count}, {fault}";
            try
            {
                await AssertHarmlessAsync(site, programs, at, fault, what);
            }
            catch (Exception complaint) when (complaint is Xunit.Sdk.XunitException or TimeoutException)
            {
                // All faults are tried before the assertion, to report every failure.
                complaints.Add($"{what}: {programs.Calls.ElementAtOrDefault(at - 1)}\n{complaint.Message}");
            }
        }

        Assert.True(complaints.Count == 0, string.Join("\n\n", complaints));
        await site.AssertNextBackupSucceedsAsync("at last");
    }

    private static async Task AssertHarmlessAsync(
        CrashSite site, FaultyPrograms programs, int at, ProgramFault fault, string what)
    {
        int before = site.Site.BackupDirectories(site.Guest.Name).Count;
        Outcome run = await programs.RunAsync(site.Site, at, fault);
        string printed = $"{what}: exit code {run.ExitCode}\n{run.Output}\n{run.Error}";
        Assert.True(run.ExitCode is 0 or 1 or 5, printed);
        int added = site.Site.BackupDirectories(site.Guest.Name).Count - before;
        Assert.True(run.ExitCode switch { 0 => added == 1, 1 => added == 0, _ => added <= 1 }, printed);

        Outcome recovery = await site.Site.RunAsync("--wait", "60", "recover");
        Assert.True(recovery.ExitCode == 0, $"{printed}\n--- recover\n{recovery.Output}\n{recovery.Error}");
        await site.AssertGuestIsIntactAsync(printed);
        (await site.Site.RunAsync("verify", site.Guest.Name)).MustSucceed();
        site.Remember();
    }

    private static IEnumerable<(int At, ProgramFault Fault)> Select(IReadOnlyList<string> calls)
    {
        int[] all = [.. Enumerable.Range(1, calls.Count)];
        int[] bounded = [.. all.Where(at => calls[at - 1].Contains("fsfreeze-status", StringComparison.Ordinal))];
        if (CrashSite.IsFullMatrix)
        {
            // A hanging call takes minutes to time out: only calls of the agent hang here, because their limits are
            // short.
            return [.. all.SelectMany(at => RbdFaults.Quick.Select(fault => (at, fault))),
                .. bounded.Select(at => (at, ProgramFault.Hang))];
        }

        // One call of each section of the run, so that all sections are covered, with the faults in turn.
        Random random = LabSeed.For(6);
        int stretches = SelectedFaults - 1;
        return
        [
            .. Enumerable.Range(0, stretches).Select(stretch => (
                1 + random.Next(stretch * all.Length / stretches, (stretch + 1) * all.Length / stretches),
                RbdFaults.Quick[random.Next(RbdFaults.Quick.Count)])),
            (bounded[random.Next(bounded.Length)], ProgramFault.Hang),
        ];
    }
}

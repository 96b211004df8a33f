using System.Globalization;
using KvmBackup.Shell;
using Serilog.Core;

namespace KvmBackup.Tests.Shell;

/// <summary>
/// The lowered priority of this process with all its threads and child programs, and its restoration.
/// </summary>
public sealed class ProcessPriorityTests
{
    [Fact]
    public async Task All_threads_and_programs_are_lowered_and_restored()
    {
        int before = Nices().Min();
        int wanted = Math.Min(19, before + 7);
        ProcessPriority lowered;
        try
        {
            lowered = ProcessPriority.Lower(new ResourceLimits(null, wanted, IoPriority.BestEffort));
        }
        catch (ShellException refusal)
        {
            // Without the privilege to restore the priority, nothing may have changed.
            Assert.Contains("requires root", refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(wanted, Nices());
            return;
        }

        using (lowered)
        {
            Assert.All(Nices(), nice => Assert.Equal(wanted, nice));
            Assert.Equal(wanted, await NiceOfAProgramAsync());
        }

        Assert.All(Nices(), nice => Assert.Equal(before, nice));
        Assert.Equal(before, await NiceOfAProgramAsync());
    }

    private static int[] Nices() => [.. Directory.GetDirectories("/proc/self/task").SelectMany(Nice)];

    private static int[] Nice(string thread)
    {
        try
        {
            string stat = File.ReadAllText(Path.Combine(thread, "stat"));
            return [int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture)];
        }
        catch (IOException)
        {
            // It has ended.
            return [];
        }
    }

    private static async Task<int> NiceOfAProgramAsync() => int.Parse(
        (await new ProcessRunner(Logger.None, TimeProvider.System).RunAsync(
            new ProgramCall("nice", []), CancellationToken.None)).StandardOutput,
        CultureInfo.InvariantCulture);
}

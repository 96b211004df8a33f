using Serilog;

namespace KvmBackup.Runs.Capture;

/// <summary>
/// Receives every step of the backup sequence, writes it to the log, and lets a test stop the program after a step, to
/// kill it exactly there.
/// </summary>
/// <param name="holdAfter">The steps to stop after, <c>Releasing</c> or <c>Releasing:vdb</c>, with commas between
/// them; null never stops.</param>
/// <param name="hold">Stops the program.</param>
/// <param name="log">Gets the steps.</param>
public sealed class FaultInjection(string? holdAfter, Action hold, ILogger log)
{
    private readonly HashSet<string> holds =
        [.. (holdAfter ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries)];

    public void Pass(DomainName domain, JobStep step, DiskTarget? disk = null)
    {
        log.Debug("{Domain}: step {Step} {Disk}", domain, step, disk);
        if (holds.Remove($"{step}:{disk}") || holds.Remove(step.ToString()))
        {
            // Once: a step is repeated when its effect was undone.
            hold();
        }
    }
}

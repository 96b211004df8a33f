using KvmBackup.Hypervisor;
using Serilog;

namespace KvmBackup.Runs.Guests;

/// <summary>Freezes a guest according to its settings, and reports when only crash consistency is possible.</summary>
public sealed class GuestFreeze(GuestAgent agent, ILogger log)
{
    // VSS thaws by itself after ten seconds. A snapshot after that is not filesystem-consistent.
    private static readonly TimeSpan WindowsLimit = TimeSpan.FromSeconds(8);

    /// <summary>Checks, before anything is changed, whether the guest can be frozen.</summary>
    /// <exception cref="RunsException">A freeze is required and impossible, or another program has frozen the
    /// guest.</exception>
    public async Task<FreezeCapability> PrepareAsync(DomainJob job, CancellationToken cancellationToken)
    {
        TimeSpan limit = job.Settings.FreezeTimeout;
        string? obstacle = job switch
        {
            { Settings.Quiesce: QuiesceMode.Off } => "quiesce is off",
            { Facts.State: DomainState.Paused } => "the guest is paused",
            { Facts.HasAgentChannel: false } => "the domain has no guest agent channel",
            _ => null,
        };
        if (obstacle is null)
        {
            AgentStatus status = await agent.ReadStatusAsync(job.Facts.Identity, cancellationToken);
            if (status.IsFrozen)
            {
                // A guest that another program froze must not be thawed here.
                throw new RunsException(
                    $"the guest's file systems are already frozen by another program: nothing was changed. If the "
                        + $"freeze is a leftover, run: `{agent.CommandLine} domfsthaw {job.Facts.Uuid}`",
                        ExitCode.ManualActionRequired);
            }

            obstacle = status.IsAnswering ? null : $"the guest agent does not answer: {status.ErrorText}";
            if (status.IsAnswering && limit > WindowsLimit
                && await agent.IsWindowsAsync(job.Facts.Identity, cancellationToken))
            {
                limit = WindowsLimit;
            }
        }

        Downgrade(job, obstacle);
        return new FreezeCapability(obstacle, limit);
    }

    /// <summary>Freezes the guest. Returns a scope that thaws it, or the reason why it is not frozen.</summary>
    /// <exception cref="HypervisorException">The guest may still be frozen: manual action required.</exception>
    /// <exception cref="RunsException">A freeze is required and failed; the guest is thawed.</exception>
    public async Task<FreezeResult> BeginAsync(
        DomainJob job, FreezeCapability capability, CancellationToken cancellationToken)
    {
        if (capability.Obstacle is not null)
        {
            return new FreezeResult(null, capability.Obstacle);
        }

        try
        {
            return new FreezeResult(
                await agent.FreezeAsync(job.Facts.Identity, capability.Limit, cancellationToken), null);
        }
        catch (HypervisorException failure) when (failure.ExitCode != ExitCode.ManualActionRequired)
        {
            Downgrade(job, failure.Message);
            return new FreezeResult(null, failure.Message);
        }
    }

    private void Downgrade(DomainJob job, string? obstacle)
    {
        if (obstacle is null || job.Settings.Quiesce == QuiesceMode.Off)
        {
            return;
        }

        if (job.Settings.Quiesce == QuiesceMode.Require)
        {
            throw new RunsException(
                $"the guest cannot be frozen, which quiesce: require demands: {obstacle}. Repair the agent in the "
                    + "guest (package qemu-guest-agent), or allow crash consistency with quiesce: try");
        }

        log.Warning("{Domain}: only crash-consistent: {Obstacle}", job.Facts.Name, obstacle);
    }
}

/// <summary>Whether a guest can be frozen.</summary>
/// <param name="Obstacle">Why the guest cannot be frozen; null when it can.</param>
/// <param name="Limit">The longest time that it may stay frozen.</param>
public sealed record FreezeCapability(string? Obstacle, TimeSpan Limit);

/// <summary>A frozen guest, or the reason why it is not frozen.</summary>
public sealed record FreezeResult(FrozenGuest? Guest, string? Obstacle);

using System.Globalization;
using System.Text.Json;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// The QEMU guest agent of a domain. Each call passes its own time limit to libvirt: the default is to wait forever,
/// and killing virsh does not cancel the command in the guest.
/// </summary>
public sealed class GuestAgent(Virsh virsh, LibvirtHost host, TimeProvider time)
{
    private const int ThawAttempts = 5;

    // How long a libvirt daemon may take to restart, for example during an upgrade.
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(40);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ThawLimit = TimeSpan.FromSeconds(10);

    /// <inheritdoc cref="Virsh.CommandLine"/>
    public string CommandLine => virsh.CommandLine;

    /// <summary>Reads whether the file systems are frozen, and whether there is an agent at all.</summary>
    public async Task<AgentStatus> ReadStatusAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(StatusCall(domain), cancellationToken);
        if (!result.IsSuccess)
        {
            return new AgentStatus(false, false, result.ErrorText);
        }

        JsonElement? status = ReturnValue(result);
        return status is { } value && TextOf(value) is { } text
            ? new AgentStatus(true, text == "frozen", null)
            : new AgentStatus(false, false, $"its answer was: {result.ErrorText}");
    }

    /// <summary>Whether the guest reports that it is Windows, where a freeze ends by itself.</summary>
    public async Task<bool> IsWindowsAsync(DomainIdentity domain, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(Call(domain, "guest-get-osinfo", AnswerLimit), cancellationToken);
        return result.IsSuccess && ReturnValue(result) is { ValueKind: JsonValueKind.Object } system
            && system.TryGetProperty("id", out JsonElement id) && TextOf(id) == "mswindows";
    }

    /// <summary>Freezes the guest's file systems.</summary>
    /// <param name="limit">libvirt stops waiting after this time.</param>
    /// <returns>A scope that thaws the guest. After a failed freeze the guest is already thawed again.</returns>
    /// <exception cref="HypervisorException">The freeze failed; manual action is required if the guest may still be
    /// frozen.</exception>
    public async Task<FrozenGuest> FreezeAsync(
        DomainIdentity domain, TimeSpan limit, CancellationToken cancellationToken)
    {
        FrozenGuest scope = new(this, domain, time);
        try
        {
            ProgramResult result = await RunAsync(FreezeCall(domain, limit), cancellationToken);
            if (result.IsSuccess && ReturnValue(result) is { ValueKind: JsonValueKind.Number } count
                && count.TryGetInt64(out long frozen) && frozen > 0)
            {
                return scope;
            }

            string complaint = result.IsSuccess ? "it froze no file system" : result.ErrorText;
            throw new HypervisorException($"{domain.Name}: the guest agent did not freeze the guest: {complaint}");
        }
        catch (Exception)
        {
            // A freeze that answered late or was interrupted may still happen in the guest. The agent runs its commands
            // in order, so the thaw that follows undoes it.
            await scope.ThawAsync();
            throw;
        }
    }

    /// <summary>
    /// Thaws the guest and confirms it, with several attempts: a guest left frozen is the worst outcome.
    /// </summary>
    /// <exception cref="HypervisorException">The thaw is not confirmed: manual action required.</exception>
    public async Task ThawAsync(DomainIdentity domain)
    {
        string complaint = string.Empty;
        long start = time.GetTimestamp();
        int attempts = 0;
        int answeredAttempts = 0;
        while (answeredAttempts < ThawAttempts
            && (attempts < ThawAttempts || time.GetElapsedTime(start) < SilenceLimit))
        {
            // Never cancelled: the guest is thawed before the run ends.
            ProgramResult thaw = await RunAsync(ThawCall(domain), CancellationToken.None);
            AgentStatus status = await ReadStatusAsync(domain, CancellationToken.None);
            if (status is { IsAnswering: true, IsFrozen: false })
            {
                return;
            }

            complaint = status.ErrorText ?? (thaw.IsSuccess ? "the guest still reports frozen" : thaw.ErrorText);
            DomainState? state = await TryReadStateAsync(domain);
            if (state == DomainState.ShutOff
                || (state is null && await host.IsGoneAsync(domain, CancellationToken.None)))
            {
                return;
            }

            answeredAttempts += state is null ? 0 : 1;
            TimeSpan pause = TimeSpan.FromMilliseconds(200 * ++attempts);
            await Task.Delay(pause < LongestPause ? pause : LongestPause, time);
        }

        throw new HypervisorException(
            $"{domain.Name}: THE GUEST MAY STILL BE FROZEN: the thaw was not confirmed in {attempts} attempts: "
                + $"{complaint}. Run: `{ThawCall(domain)}` and then: `{StatusCall(domain)}` until it prints thawed; "
                + $"if the agent never answers, reset the guest: `{virsh.Call("reset", domain.Uuid.ToString())}`",
            ExitCode.ManualActionRequired);
    }

    public ProgramCall FreezeCall(DomainIdentity domain, TimeSpan limit) =>
        Call(domain, "guest-fsfreeze-freeze", limit);

    public ProgramCall ThawCall(DomainIdentity domain) => Call(domain, "guest-fsfreeze-thaw", ThawLimit);

    // The error text is not enough: libvirt also reports "domain is not running" for a paused guest, which stays frozen
    // when it resumes.
    private async Task<DomainState?> TryReadStateAsync(DomainIdentity domain)
    {
        try
        {
            return await host.StateAsync(domain, CancellationToken.None);
        }
        catch (KvmBackupException)
        {
            // libvirt itself does not answer. The thaw is tried again, and reported as not confirmed at the end.
            return null;
        }
    }

    private ProgramCall StatusCall(DomainIdentity domain) => Call(domain, "guest-fsfreeze-status", AnswerLimit);

    private ProgramCall Call(DomainIdentity domain, string command, TimeSpan limit)
    {
        string seconds = Math.Max(1, (int)limit.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        ProgramCall call = virsh.Call(
            "qemu-agent-command", "--domain", domain.Uuid.ToString(), "--timeout", seconds,
            $$"""{"execute":"{{command}}"}""");
        return call with { Timeout = limit + TimeSpan.FromSeconds(10) };
    }

    private async Task<ProgramResult> RunAsync(ProgramCall call, CancellationToken cancellationToken)
    {
        try
        {
            return await virsh.RunAsync(call, cancellationToken);
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            // This may be temporary: virsh exceeded its time limit, or the host had no free process.
            return new ProgramResult(call, -1, string.Empty, failure.Message, call.Timeout);
        }
    }

    private static JsonElement? ReturnValue(ProgramResult result)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(result.StandardOutput);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("return", out JsonElement value) ? value.Clone() : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Not an agent's answer; the caller shows the raw text. Invalid escapes (half a surrogate pair) throw
            // InvalidOperationException.
            return null;
        }
    }

    /// <returns>Null when the value is not text: the guest may answer anything.</returns>
    private static string? TextOf(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>The answer of the guest agent to <c>guest-fsfreeze-status</c>.</summary>
/// <param name="IsAnswering">The agent answered and supports the command.</param>
/// <param name="IsFrozen">The file systems are frozen.</param>
/// <param name="ErrorText">Why there is no answer; null when there is one.</param>
public sealed record AgentStatus(bool IsAnswering, bool IsFrozen, string? ErrorText);

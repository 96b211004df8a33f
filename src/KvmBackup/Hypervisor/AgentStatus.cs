namespace KvmBackup.Hypervisor;

/// <summary>What the guest agent said when asked whether the file systems are frozen.</summary>
/// <param name="IsAnswering">The agent answered, and knows the question.</param>
/// <param name="IsFrozen">It said that they are frozen.</param>
/// <param name="Complaint">Why there is no answer; null when there is one.</param>
public sealed record AgentStatus(bool IsAnswering, bool IsFrozen, string? Complaint);

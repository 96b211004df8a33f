using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>What is taken of a domain and what is not, and what speaks against taking it at all.</summary>
/// <param name="Taken">The disks to back up.</param>
/// <param name="Skipped">The disks left out, each with its reason.</param>
/// <param name="Refusals">Why this domain cannot be backed up now, each with what to do; empty when it can.</param>
/// <param name="Warnings">What an operator should know all the same.</param>
public sealed record DomainPlan(
    IReadOnlyList<DiskFacts> Taken,
    IReadOnlyList<SkippedDisk> Skipped,
    IReadOnlyList<string> Refusals,
    IReadOnlyList<string> Warnings);

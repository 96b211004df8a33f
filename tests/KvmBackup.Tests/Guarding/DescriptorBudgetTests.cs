using KvmBackup.Guarding;
using KvmBackup.Shell;

namespace KvmBackup.Tests.Guarding;

public sealed class DescriptorBudgetTests
{
    [Fact]
    public void Few_files_are_refused_with_how_many_are_needed() => Assert.Contains(
        "may open 70 more files (of 256), and needs 80: raise ulimit -n",
        Assert.Throws<ShellException>(() => DescriptorBudget.Ensure(sources: 2, free: 70, allowed: 256)).Message, StringComparison.Ordinal);

    [Fact]
    public void Enough_files_are_let_through() => DescriptorBudget.Ensure(sources: 2, free: 80, allowed: 256);
}

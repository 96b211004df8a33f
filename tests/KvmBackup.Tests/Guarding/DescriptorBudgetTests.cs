using KvmBackup.Guarding;
using KvmBackup.Shell;

namespace KvmBackup.Tests.Guarding;

public sealed class DescriptorBudgetTests
{
    [Fact]
    public void A_too_low_limit_is_refused_with_the_required_number() => Assert.Contains(
        "may open 70 more files (of 256), but 80 are required: raise ulimit -n",
        Assert.Throws<ShellException>(() => DescriptorBudget.Ensure(sources: 2, free: 70, allowed: 256)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void A_sufficient_limit_is_accepted() => DescriptorBudget.Ensure(sources: 2, free: 80, allowed: 256);
}

using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace KvmBackup.Lab.Support;

/// <summary>
/// Shares the tests among several labs that run at the same time. Each lab runs this whole assembly; a test belongs to
/// the lab that claims it first in the queue folder. Named in the project file; without a queue all tests run here.
/// </summary>
public sealed class LabTestFramework(IMessageSink messages) : XunitTestFramework(messages)
{
    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName) =>
        new Executor(assemblyName, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Executor(
        AssemblyName assemblyName, ISourceInformationProvider sources, IMessageSink diagnostics)
        : XunitTestFrameworkExecutor(assemblyName, sources, diagnostics)
    {
        protected override async void RunTestCases(
            IEnumerable<IXunitTestCase> testCases, IMessageSink execution, ITestFrameworkExecutionOptions options)
        {
            using AssemblyRunner runner = new(TestAssembly, testCases, DiagnosticMessageSink, execution, options);
            await runner.RunAsync();
        }
    }

    private sealed class AssemblyRunner(
        ITestAssembly assembly, IEnumerable<IXunitTestCase> testCases, IMessageSink diagnostics, IMessageSink execution,
        ITestFrameworkExecutionOptions options)
        : XunitTestAssemblyRunner(assembly, testCases, diagnostics, execution, options)
    {
        protected override async Task<RunSummary> RunTestCollectionsAsync(
            IMessageBus messageBus, CancellationTokenSource cancellation)
        {
            RunSummary total = new();
            foreach (IReadOnlyList<IXunitTestCase> unit in LabTestQueue.Order(TestCases))
            {
                if (!cancellation.IsCancellationRequested && LabTestQueue.TryClaim(unit))
                {
                    total.Aggregate(await RunTestCollectionAsync(
                        messageBus, unit[0].TestMethod.TestClass.TestCollection, unit, cancellation));
                }
            }

            return total;
        }
    }
}
